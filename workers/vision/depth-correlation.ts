// Whether a frame is near and far where it should be: the correlation of two pictures of depth. Pure. Definition: docs/metrics.md.

import type { RgbImage } from '../media/media-types.ts';

/**
 * Pearson's correlation of the grey levels of two depth pictures of one size, -1..1, so that neither the range nor the mean of either counts.
 * A picture without any depth keeps to one that has none (1), and to no other (0).
 */
export function depthCorrelationOfFrame(expected: RgbImage, found: RgbImage): number {
  const [a, b] = [deviations(expected), deviations(found)];
  const [ofA, ofB] = [product(a, a), product(b, b)];
  if (ofA === 0 || ofB === 0) return ofA === ofB ? 1 : 0;
  return product(a, b) / Math.sqrt(ofA * ofB);
}

/** Of each pixel from the mean. The three channels of a depth picture are equal. */
function deviations({ rgb }: RgbImage): Float64Array {
  const levels = new Float64Array(rgb.length / 3);
  for (let i = 0; i < levels.length; i += 1) levels[i] = rgb[3 * i]!;
  const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length;
  return levels.map((level) => level - mean);
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (const [i, value] of a.entries()) sum += value * b[i]!;
  return sum;
}
