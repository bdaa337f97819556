// The picture half way in time between two, by their motion: what ControlVideo's smoother asks of RIFE, here without a model. Pure.

import assert from 'node:assert/strict';

import { greyFromRgb } from './grey.ts';
import { opticalFlow } from './optical-flow.ts';
import type { Flow } from './optical-flow.ts';
import type { RgbLevels } from './rgb-levels.ts';
import { warpRgb } from './warp.ts';

/**
 * Both pictures moved half way to each other, and their mean; `[height, width, 3]`, 0..255. Motion at the middle is the mean of the flows forth and
 * back at the same pixel (Super SloMo, arXiv 1712.00080, equation 4, at half time).
 */
export function pictureBetween(before: RgbLevels, after: RgbLevels): Float32Array {
  assert.equal(before.rgb.length, after.rgb.length, 'pictures differ in size');
  const [first, last] = [greyFromRgb(before), greyFromRgb(after)];
  const forth = opticalFlow(first, last);
  const back = opticalFlow(last, first);
  const toBefore = quarterOf(back, forth);
  const toAfter = quarterOf(forth, back);
  const moved = warpRgb(after, toAfter);
  return warpRgb(before, toBefore).map((level, i) => (level + moved[i]!) / 2);
}

/** A quarter of how far `flow` goes and the other does not: half of half the way. */
function quarterOf(flow: Flow, other: Flow): Flow {
  const part = (key: 'horizontal' | 'vertical'): Float32Array =>
    flow[key].map((value, i) => (value - other[key][i]!) / 4);
  return { ...flow, horizontal: part('horizontal'), vertical: part('vertical') };
}
