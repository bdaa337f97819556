// Colour drift: how far the smoothed frames have moved from the frames they were made of. Pure.

import assert from 'node:assert/strict';
import type { RgbImage } from '../../media/media-types.ts';

/** Mean absolute difference over pixels and channels, 0..255. A clip's drift is the mean of its frames'. */
export function driftOfFrame(a: RgbImage, b: RgbImage): number {
  assert.equal(a.rgb.length, b.rgb.length, 'frames differ in size');
  let sum = 0;
  for (let i = 0; i < a.rgb.length; i++) sum += Math.abs(a.rgb[i]! - b.rgb[i]!);
  return sum / a.rgb.length;
}
