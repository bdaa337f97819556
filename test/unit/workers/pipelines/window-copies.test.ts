import { describe, expect, it } from 'vitest';

import { crossFadeWeight, mergeCopies } from '../../../../workers/pipelines/window-copies.ts';
import { merge } from '../../../../workers/pipelines/merge/body.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';
import { analyticContext } from './analytic-context.ts';

const { fround } = Math;
const column = (...values: number[]) =>
  floatTensor([values.length, 1, 1, 1], Float32Array.from(values));

describe('mergeCopies', () => {
  it('takes the mean of the copies of each frame', () => {
    const runs = [
      { first: 0, weights: [1, 1, 1] },
      { first: 1, weights: [1, 1, 1] },
      { first: 2, weights: [1, 1] },
    ];
    const copies = column(1, 2, 3, 4, 5, 6, 7, 8);
    expect([...mergeCopies(copies, runs, 4).data]).toEqual([1, 3, 5, 7]);
  });

  it('adds in the order of the runs, rounding to float32', () => {
    const values = [fround(1e8), 3, fround(-1e8)];
    const runs = values.map(() => ({ first: 0, weights: [1] }));
    const inOrder = fround(fround(fround(1e8 + 3) - 1e8) / 3);
    expect([...mergeCopies(column(...values), runs, 1).data]).toEqual([inOrder]);
    const [a, b, c] = values;
    expect(mergeCopies(column(a!, c!, b!), runs, 1).data[0]).not.toBe(inOrder);
  });

  it('leaves the only copy of a frame as it is, whatever it weighs', () => {
    const copies = column(fround(0.1), fround(0.7));
    const runs = [{ first: 0, weights: [1, 4] }];
    expect([...mergeCopies(copies, runs, 2).data]).toEqual([...copies.data]);
  });

  it('finds a frame that no window holds, and copies that nobody tells of', () => {
    const runs = [{ first: 0, weights: [1] }];
    expect(() => mergeCopies(column(1), runs, 2)).toThrow('lies in no window');
    expect(() => mergeCopies(column(1, 2), runs, 1)).toThrow('not those that the runs tell of');
  });
});

describe('merge', () => {
  const params = {
    length: 4,
    copies: [
      [0, 0, 4],
      [2, 0, 4],
    ],
  } as const;
  const tensors = { latents: column(0, 0, 0, 0, 6, 6, 6, 6) };
  const frames = [0, 1, 2, 3, 4, 5];

  it('goes evenly from one window to the next', async () => {
    const { latents } = await merge({ params, tensors, frames }, analyticContext());
    expect([...latents!.data]).toEqual([0, 0, 2, 4, 6, 6]);
  });

  it('weighs a frame less the nearer it is to an end of its window', () => {
    expect([0, 1, 2, 3, 4].map((place) => crossFadeWeight(place, 5))).toEqual([1, 2, 3, 2, 1]);
  });
});
