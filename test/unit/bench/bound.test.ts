import { describe, expect, it } from 'vitest';

import { frameParallelBound, stageAwareBound } from '../../../bench/cluster/bound.ts';

const times = (count: number, seconds: number): number[] => Array<number>(count).fill(seconds);

describe('frameParallelBound', () => {
  it.each([
    { name: 'full rounds', seconds: times(240, 0.02), slots: 8, bound: 0.6 },
    { name: 'a last round that is not full', seconds: times(15, 0.2), slots: 2, bound: 1.6 },
    { name: 'one long task', seconds: [5, 1, 1], slots: 3, bound: 5 },
    // 8 / 2; no slot is forced to more.
    { name: 'uneven work that evens out', seconds: [3, 3, 1, 1], slots: 2, bound: 4 },
    // Of the three longest, one slot gets two: at least 3 + 3. The short ones do not hide it.
    { name: 'three long tasks among short ones', seconds: [3, 3, 3, 0.1], slots: 2, bound: 6 },
    { name: 'nothing to do', seconds: [], slots: 4, bound: 0 },
  ])('knows $name', ({ seconds, slots, bound }) => {
    expect(frameParallelBound(seconds, slots)).toBeCloseTo(bound, 9);
  });
});

describe('stageAwareBound', () => {
  it('is 1.70 s for the ideal graph of the bench', () => {
    // 16 frames on 8 slots 0.04, mix 0.06, then 15 smoothings on 2 slots: 8 x 0.2.
    const bound = stageAwareBound({
      frames: Array.from({ length: 15 }, () => times(16, 0.02)),
      mixes: times(15, 0.06),
      smooths: times(15, 0.2),
      pools: [8, 2, 2],
    });
    expect(bound).toBeCloseTo(1.7, 9);
  });

  it('is the frames and the shortest tail where the frames are slowest', () => {
    // 4 frames of 1 s on 1 slot; the last of them may be of the chunk with the tail 0.1 + 0.2.
    const bound = stageAwareBound({
      frames: [times(2, 1), times(2, 1)],
      mixes: [0.1, 0.5],
      smooths: [0.2, 0.2],
      pools: [1, 4, 4],
    });
    expect(bound).toBeCloseTo(4.3, 9);
  });

  it('is the mixes between the first frames and the last smoothing where the mixes are slowest', () => {
    // Earliest first mix after 1 s, mixes 2 + 3 on 1 slot, shortest smoothing 0.5.
    const bound = stageAwareBound({
      frames: [[1], [2]],
      mixes: [2, 3],
      smooths: [0.5, 0.75],
      pools: [2, 1, 2],
    });
    expect(bound).toBeCloseTo(6.5, 9);
  });

  it('is the longest chunk where there are slots enough', () => {
    // Chunk 2: frames 1 + 1 on 2 slots beside each other 1, mix 1, smoothing 4.
    const bound = stageAwareBound({
      frames: [
        [0.1, 0.1],
        [1, 1],
      ],
      mixes: [0.1, 1],
      smooths: [0.1, 4],
      pools: [2, 2, 2],
    });
    expect(bound).toBeCloseTo(6, 9);
  });
});
