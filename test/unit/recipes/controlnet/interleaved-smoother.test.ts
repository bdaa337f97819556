// When and where ControlVideo's smoother works, against what its own code does (YBYBZhang/ControlVideo, models/pipeline_controlvideo.py) worked out by
// hand.

import { describe, expect, it } from 'vitest';

import {
  placesBetween,
  smoothedParity,
} from '../../../../recipes/controlnet/interleaved-smoother.ts';

/** [step, places that are smoothed] */
const smoothedSteps = (steps: number): readonly (readonly [number, 0 | 1])[] =>
  Array.from({ length: steps }, (_, step) => [step, smoothedParity(step, steps)] as const).filter(
    (one): one is readonly [number, 0 | 1] => one[1] !== undefined,
  );

describe('the steps that are smoothed', () => {
  it('are those that leave 20 and 19 of 50, odd places first', () => {
    expect(smoothedSteps(50)).toEqual([
      [30, 1],
      [31, 0],
    ]);
  });

  it.each([
    [
      20,
      [
        [12, 1],
        [13, 0],
      ],
    ],
    [
      4,
      [
        [2, 1],
        [3, 0],
      ],
    ],
    [2, [[1, 1]]],
    [1, []],
  ])('of %i lie at the same share', (steps, expected) => {
    expect(smoothedSteps(steps)).toEqual(expected);
  });
});

describe('the neighbours that a frame lies between', () => {
  const text = (parity: 0 | 1, count: number): readonly string[] =>
    placesBetween(parity, count).map(({ place, before, after }) => `${before}<${place}<${after}`);

  it.each<[number, 0 | 1, readonly string[]]>([
    [8, 1, ['0<1<2', '2<3<4', '4<5<6']],
    [8, 0, ['0<0<1', '1<2<3', '3<4<5', '5<6<7']],
    [5, 1, ['0<1<2', '2<3<4']],
    [5, 0, ['0<0<1', '1<2<3', '3<4<4']],
    [2, 1, []],
    [2, 0, ['0<0<1']],
  ])('of %i frames, from place %i on', (count, parity, expected) => {
    expect(text(parity, count)).toEqual(expected);
  });
});
