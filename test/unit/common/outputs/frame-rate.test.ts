// The arithmetic of frame rates.

import { expect, test } from 'vitest';
import { frameRateOf, timeOfFrame } from '../../../../common/outputs/frame-rate.ts';

test.each([
  [8, 8, 1],
  [25, 25, 1],
  [23.976, 24_000, 1001],
  [29.97, 30_000, 1001],
  [59.94, 60_000, 1001],
  [12.5, 25, 2],
  [7.25, 29, 4],
])('keeps %d frames a second as %d/%d', (rate, numerator, denominator) => {
  expect(frameRateOf(rate)).toEqual({ numerator, denominator });
});

test('does not drift: an hour of 23.976 ends within a tick', () => {
  const rate = frameRateOf(23.976);
  const index = 86_314;
  expect(timeOfFrame(index, rate, 1000)).toBe(Math.round((index * 1001) / 24));
});
