// One-channel pictures: from RGB, halved, sampled between pixels. Pure.

import type { RgbLevels } from './rgb-levels.ts';

/** Row-major, 0..255. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** Luma by BT.601's weights. */
export function greyFromRgb({ rgb, width, height }: RgbLevels): GreyImage {
  const values = new Float32Array(width * height);
  for (let i = 0, from = 0; i < values.length; i++, from += 3) {
    values[i] = 0.299 * rgb[from]! + 0.587 * rgb[from + 1]! + 0.114 * rgb[from + 2]!;
  }
  return { width, height, values };
}

/** Half the size, rounded down; every value the mean of four. */
export function halve({ width, height, values }: GreyImage): GreyImage {
  const half = { width: width >> 1, height: height >> 1 };
  const out = new Float32Array(half.width * half.height);
  for (let y = 0, at = 0; y < half.height; y++) {
    for (let x = 0, from = 2 * y * width; x < half.width; x++, at++, from += 2) {
      const upper = values[from]! + values[from + 1]!;
      out[at] = (upper + values[from + width]! + values[from + width + 1]!) / 4;
    }
  }
  return { ...half, values: out };
}
