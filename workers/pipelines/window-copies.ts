// Frames of which overlapping windows made a copy each, as one again.

import assert from 'node:assert/strict';

import type { MergeParams } from '../../common/stages.ts';
import { floatTensor } from '../tensor/tensor.ts';
import type { FloatTensor } from '../tensor/tensor.ts';

/** Consecutive frames of one window: the first of them among the frames that are made, and how much each copy weighs, a whole number above 0. */
export interface CopyRun {
  readonly first: number;
  readonly weights: readonly number[];
}

/**
 * Of each of `frames` frames the weighted mean of its copies. `copies`: the runs one after the other, `[copies, ...]`. Sums are taken in the
 * order of the runs, and products, sums and the quotient are rounded to float32.
 */
export function mergeCopies(
  copies: FloatTensor,
  runs: readonly CopyRun[],
  frames: number,
): FloatTensor {
  const [count = 0, ...rest] = copies.shape;
  const size = count === 0 ? 0 : copies.data.length / count;
  const totals = new Float64Array(frames);
  for (const { first, weights } of runs) {
    for (const [i, weight] of weights.entries()) totals[first + i] = totals[first + i]! + weight;
  }
  assert(
    totals.every((total) => total > 0),
    'a frame lies in no window',
  );
  const merged = floatTensor([frames, ...rest]);
  const out = merged.data;
  let copy = 0;
  for (const { first, weights } of runs) {
    for (const [i, weight] of weights.entries()) {
      const from = copy * size;
      const to = (first + i) * size;
      for (let at = 0; at < size; at += 1) {
        out[to + at] = out[to + at]! + Math.fround(weight * copies.data[from + at]!);
      }
      copy += 1;
    }
  }
  assert.equal(copy, count, 'the copies are not those that the runs tell of');
  for (const [frame, total] of totals.entries()) {
    for (let at = frame * size; at < (frame + 1) * size; at += 1) out[at] = out[at]! / total;
  }
  return merged;
}

/** The runs of a task whose windows have `length` frames, each copy weighing as much as its place in its window does. */
export function fadingRuns(copies: MergeParams['copies'], length: number): CopyRun[] {
  return copies.map(([first, offset, count]) => ({
    first,
    weights: Array.from({ length: count }, (_, i) => crossFadeWeight(offset + i, length)),
  }));
}

/**
 * Of a frame in a window: falls off evenly from the middle to both ends, so two that overlap add up to the same all over the overlap. A frame
 * then comes under other windows little by little. With even weights, those of Gen-L-Video, it would from one frame to the next, which shows.
 */
export function crossFadeWeight(place: number, length: number): number {
  return Math.min(place + 1, length - place);
}
