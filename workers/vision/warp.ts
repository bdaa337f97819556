// Moves a picture along a flow. Pure.

import type { Flow } from './optical-flow.ts';
import type { RgbLevels } from './rgb-levels.ts';

/**
 * Each pixel taken from where the flow points, linearly between pixels; the border repeats. `[height, width, 3]`, 0..255.
 */
export function warpRgb({ rgb, width, height }: RgbLevels, flow: Flow): Float32Array {
  const out = new Float32Array(rgb.length);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const sx = Math.min(Math.max(x + flow.horizontal[at]!, 0), width - 1);
      const sy = Math.min(Math.max(y + flow.vertical[at]!, 0), height - 1);
      const left = Math.floor(sx);
      const top = Math.floor(sy);
      const fx = sx - left;
      const fy = sy - top;
      const dx = left < width - 1 ? 3 : 0;
      const dy = top < height - 1 ? 3 * width : 0;
      for (let c = 0, from = 3 * (top * width + left); c < 3; c++, from++) {
        const a = rgb[from]! + fx * (rgb[from + dx]! - rgb[from]!);
        const b = rgb[from + dy]! + fx * (rgb[from + dy + dx]! - rgb[from + dy]!);
        out[3 * at + c] = a + fy * (b - a);
      }
    }
  }
  return out;
}
