// Relative inverse depth as grey: the nearest point of a frame is white, its farthest black. Each frame for itself, as controlnet_aux does,
// so that a frame's picture does not depend on other frames.

import type { RgbImage } from '../../media/media-types.ts';
import { resample } from '../../vision/resample.ts';
import type { PlaneSize } from '../../vision/resample.ts';

/** `depth`: `[height, width]` of size `from`, higher is nearer. One that is the same everywhere is black. */
export function depthPicture(depth: Float32Array, from: PlaneSize, to: PlaneSize): RgbImage {
  let [low, high] = [Infinity, -Infinity];
  for (const value of depth) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const range = high - low;
  const shares = Float64Array.from(depth, (value) => (range > 0 ? (value - low) / range : 0));
  const isSame = from.width === to.width && from.height === to.height;
  const plane = isSame ? shares : resample(shares, { from, to, filter: 'bilinear' });
  const rgb = new Uint8Array(3 * plane.length);
  for (const [i, share] of plane.entries()) {
    rgb.fill(Math.min(255, Math.max(0, Math.round(255 * share))), 3 * i, 3 * i + 3);
  }
  return { rgb, ...to };
}
