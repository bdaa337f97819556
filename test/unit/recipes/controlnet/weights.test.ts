// At which steps a control counts, and whether there are some at which none does.

import { describe, expect, it } from 'vitest';

import type { JobControl } from '../../../../recipes/controlnet/control-jobs.ts';
import { hasWeightlessStep, weightAtStep } from '../../../../recipes/controlnet/weights.ts';

const control = (weight: Omit<JobControl, 'annotator' | 'low' | 'high'>): JobControl => ({
  annotator: 'canny',
  low: 60,
  high: 150,
  ...weight,
});

describe('a control', () => {
  it('counts between its start and its end, in the weight of its frame', () => {
    const weight = { scale: [0.5, 1], start: 0.25, end: 0.75 };
    const weights = (frame: number): readonly number[] =>
      [0, 1, 2, 3].map((step) => weightAtStep(weight, { frame, step, steps: 4 }));
    expect(weights(0)).toEqual([0, 0.5, 0.5, 0]);
    expect(weights(1)).toEqual([0, 1, 1, 0]);
  });
});

describe('a step without any weight', () => {
  const frames = 8;
  const course = (first: number, last: number) => [
    { frame: 0, scale: first },
    { frame: 7, scale: last },
  ];
  it.each<[string, readonly JobControl[]]>([
    ['before a control starts', [control({ scale: 1, start: 0.1 })]],
    ['after it ends', [control({ scale: 1, end: 0.9 })]],
    ['where it weighs nothing', [control({ scale: 0 })]],
    ['in a frame where it weighs nothing', [control({ scale: course(1, 0) })]],
    [
      'between the end of one and the start of the other',
      [control({ scale: 1, end: 0.3 }), control({ scale: 1, start: 0.7 })],
    ],
    [
      'of a frame where one weighs nothing, after the other',
      [control({ scale: course(0, 1) }), control({ scale: 1, end: 0.5 })],
    ],
  ])('is there %s', (_, controls) => {
    expect(hasWeightlessStep({ controls, frames }, 50)).toBe(true);
  });

  it.each<[string, readonly JobControl[]]>([
    ['it counts throughout', [control({ scale: 0.1 })]],
    ['its end is that of the last step', [control({ scale: course(0.1, 1), end: 1 })]],
    ['another counts', [control({ scale: 1, end: 0.5 }), control({ scale: 1 })]],
    [
      'one begins before the other ends',
      [control({ scale: 1, end: 0.7 }), control({ scale: 1, start: 0.3 })],
    ],
    [
      'no frame is without weight in both',
      [control({ scale: course(0, 1) }), control({ scale: course(1, 0) })],
    ],
  ])('is none where %s', (_, controls) => {
    expect(hasWeightlessStep({ controls, frames }, 50)).toBe(false);
  });
});
