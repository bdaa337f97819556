// What a plan says of steps that cost less.

import { describe, expect, it } from 'vitest';

import { stepsText } from '../../../../cli/output/steps-text.ts';
import { acceptedJob } from '../../../support/jobs.ts';

const AGREEING = { frames: 12, long: { mode: 'co-denoise', stride: 4, block: 1 } } as const;

describe('the steps of a job', () => {
  it.each([
    [{}, undefined],
    [{ guidanceEnd: 0.5 }, 'guided up to 0.5 of them'],
    [
      { cacheInterval: 3, guidanceEnd: 0.8 },
      '1 in 3 run whole (drawing and smoothing), guided up to 0.8 of them',
    ],
    // Windows that agree at each step recall nothing of the one before.
    [{ cacheInterval: 3, ...AGREEING }, '1 in 3 run whole (drawing)'],
  ])('%j', (changes, text) => {
    expect(stepsText(acceptedJob(changes))).toBe(text);
  });
});
