// Noise with a part that all frames share: still standard normal, correlated as much as is said, whatever frames are drawn together.

import { expect, it } from 'vitest';

import { drawingNoise } from '../../../../workers/pipelines/drawing-noise.ts';
import { frameNoise } from '../../../../workers/tensor/frame-noise.ts';

const COUNT = 16_384;
const shape = (frames: number): readonly number[] => [frames, 4, 64, 64];

function correlation(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (const [i, value] of a.entries()) {
    ab += value * b[i]!;
    aa += value * value;
    bb += b[i]! * b[i]!;
  }
  return ab / Math.sqrt(aa * bb);
}

const moment = (values: Float32Array): number =>
  values.reduce((sum, value) => sum + value * value, 0) / values.length;

it.each([
  [undefined, undefined],
  [undefined, 3],
  [0.25, undefined],
  [0.8, 5],
  [1, undefined],
])('shared %s at step %s: as correlated, and of variance 1', (shared, step) => {
  const { data } = drawingNoise(shape(2), { seed: 11, frames: [0, 7], shared }, step);
  const [first, second] = [data.subarray(0, COUNT), data.subarray(COUNT)];
  expect(correlation(first, second)).toBeCloseTo(shared ?? 0, 1);
  expect(moment(first)).toBeCloseTo(1, 1);
});

it('without a shared part it is each frame’s own', () => {
  const key = { seed: 11, frames: [3, 4] };
  expect(drawingNoise(shape(2), key)).toEqual(
    frameNoise(shape(2), { ...key, purpose: 'generate-initial' }),
  );
  expect(drawingNoise(shape(2), { ...key, shared: 0 }, 2)).toEqual(
    frameNoise(shape(2), { ...key, purpose: 'generate-step', step: 2 }),
  );
});

it('of a frame it is the same whichever others are drawn with it, and another at another step', () => {
  const alone = drawingNoise(shape(1), { seed: 11, frames: [4], shared: 0.5 }, 1);
  const both = drawingNoise(shape(2), { seed: 11, frames: [3, 4], shared: 0.5 }, 1);
  expect(both.data.subarray(COUNT)).toEqual(alone.data);
  const next = drawingNoise(shape(1), { seed: 11, frames: [4], shared: 0.5 }, 2);
  expect(Math.abs(correlation(alone.data, next.data))).toBeLessThan(0.1);
});
