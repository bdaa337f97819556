import { describe, expect, it } from 'vitest';

import { PndmSampler } from '../../../../common/diffusion/samplers/pndm.ts';
import { meanOf, rampModel, rampSample, runLoop, sumOf } from './goldens.ts';

const loop = { sample: rampSample(), model: rampModel, batch: 4 };

// tests/schedulers/test_scheduler_pndm.py of diffusers: sums within 1e-2, means within 1e-3; with Runge-Kutta steps.
describe('PNDM, in the loops that diffusers tests', () => {
  it.each([
    ['noise predicted', {}, 198.1318, 0.258],
    ['velocity predicted', { prediction_type: 'v_prediction' }, 67.3986, 0.0878],
    ['final alpha one', { set_alpha_to_one: true, beta_start: 0.01 }, 230.0399, 0.2995],
    ['final alpha the first', { set_alpha_to_one: false, beta_start: 0.01 }, 186.9482, 0.2434],
  ])('ends at the known sum with %s', (_, config, sum, mean) => {
    const end = runLoop(new PndmSampler(config, { steps: 10 }), loop);
    expect(Math.abs(sumOf(end) - sum)).toBeLessThan(1e-2);
    expect(Math.abs(meanOf(end) - mean)).toBeLessThan(1e-3);
  });

  it('visits the known timesteps', () => {
    const sampler = new PndmSampler({ steps_offset: 1 }, { steps: 10 });
    expect(sampler.timesteps).toEqual([
      901, 851, 851, 801, 801, 751, 751, 701, 701, 651, 651, 601, 601, 501, 401, 301, 201, 101, 1,
    ]);
    const skipping = new PndmSampler({ steps_offset: 1, skip_prk_steps: true }, { steps: 4 });
    expect(skipping.timesteps).toEqual([751, 501, 501, 251, 1]);
  });

  // As many as diffusers 0.42.1 has timesteps for these.
  it.each([
    [{}, 59],
    [{ skip_prk_steps: true }, 51],
  ])('runs the model for 50 steps with %j %i times', (config, runs) => {
    expect(new PndmSampler(config, { steps: 50 }).timesteps).toHaveLength(runs);
  });

  it('refuses Runge-Kutta steps with fewer than 4 steps', () => {
    expect(() => new PndmSampler({}, { steps: 3 })).toThrow(/skip_prk_steps/);
  });

  it('asserts that steps come in order', () => {
    const sampler = new PndmSampler({}, { steps: 10 });
    const sample = new Float32Array(4);
    const step = (stepIndex: number) =>
      sampler.step({ sample, modelOutput: sample, stepIndex, batch: 1 });
    expect(() => step(1)).toThrow(/in order/);
    step(0);
    expect(() => step(0)).toThrow(/in order/);
  });
});
