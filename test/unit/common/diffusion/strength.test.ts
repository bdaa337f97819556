// How many steps a strength is, as diffusers' pipelines from image to image count them; and what noising leaves of a sample.

import { expect, it } from 'vitest';

import { addNoise, stepsOfStrength } from '../../../../common/diffusion/strength.ts';

/** Of Stable Diffusion 1.5. */
const config = {
  ...{ beta_schedule: 'scaled_linear', beta_start: 0.00085, beta_end: 0.012 },
  num_train_timesteps: 1000,
};

it.each([
  [50, 1, 50],
  [50, 0.6, 30],
  [20, 0.04, 0],
  // 7.999999999999999 in binary, which int() of Python cuts as well.
  [10, 0.7999999999999999, 7],
  [25, 0.5, 12],
])('%d steps at strength %d are %d', (steps, strength, count) => {
  expect(stepsOfStrength(steps, strength)).toBe(count);
});

it('keeps the signal that abar says, and the rest is noise', () => {
  const clean = Float32Array.of(1, -2, 0);
  const noise = Float32Array.of(0, 0, 3);
  // Float64: abar of timestep 481 is 0.302295661.
  const noised = addNoise(clean, noise, { config, timestep: 481 });
  expect(noised[0]).toBeCloseTo(Math.sqrt(0.302295661), 6);
  expect(noised[1]).toBeCloseTo(-2 * Math.sqrt(0.302295661), 6);
  expect(noised[2]).toBeCloseTo(3 * Math.sqrt(1 - 0.302295661), 6);
});
