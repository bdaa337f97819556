// Flicker: how much a frame differs from the one before it once motion is taken away. Pure.

import assert from 'node:assert/strict';
import type { RgbImage } from '../../media/media-types.ts';
import { greyFromRgb } from '../grey.ts';
import { opticalFlow } from '../optical-flow.ts';
import { warpRgb } from '../warp.ts';

/**
 * Mean absolute difference, 0..255, of `current` from `previous` moved along the optical flow. A clip's flicker is the
 * mean over its pairs of neighbours.
 */
export function flickerOfPair(previous: RgbImage, current: RgbImage): number {
  assert.equal(previous.rgb.length, current.rgb.length, 'frames differ in size');
  const flow = opticalFlow(greyFromRgb(current), greyFromRgb(previous));
  const moved = warpRgb(previous, flow);
  let sum = 0;
  for (let i = 0; i < moved.length; i++) sum += Math.abs(moved[i]! - current.rgb[i]!);
  return sum / moved.length;
}
