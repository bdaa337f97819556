import { describe, expect, it } from 'vitest';

import { DpmSolverMultistepSampler } from '../../../../common/diffusion/samplers/dpm-solver-multistep.ts';
import { cumulativeAlphas } from '../../../../common/diffusion/noise-schedule.ts';
import { readSchedulerConfig } from '../../../../common/diffusion/scheduler-config.ts';
import {
  meanOf,
  noisySample,
  rampModel,
  rampNoise,
  rampSample,
  runLoop,
  sumOf,
} from './goldens.ts';

const loop = { sample: rampSample(), model: rampModel, batch: 4 };
const config = { lower_order_final: false, final_sigmas_type: 'sigma_min' };

// tests/schedulers/test_scheduler_dpm_multi.py of diffusers: sums within 1e-2, means within 1e-3.
describe('DPM-Solver++, in the loops that diffusers tests', () => {
  it.each([
    ['noise predicted', {}, 0.3301],
    ['velocity predicted', { prediction_type: 'v_prediction' }, 0.2251],
    [
      'velocity predicted, Karras sigmas',
      { prediction_type: 'v_prediction', use_karras_sigmas: true },
      0.2096,
    ],
  ])('ends at the known mean with %s', (_, keys, mean) => {
    const end = runLoop(new DpmSolverMultistepSampler({ ...config, ...keys }, { steps: 10 }), loop);
    expect(Math.abs(meanOf(end) - mean)).toBeLessThan(1e-3);
  });

  it('ends at the known sum from the 5th step, with noise added there', () => {
    const sampler = new DpmSolverMultistepSampler(config, { steps: 10 });
    const alphas = cumulativeAlphas(readSchedulerConfig(config, 'dpm-solver++'));
    const sample = noisySample(rampSample(), rampNoise(), alphas[sampler.timesteps[5]!]!);
    const end = runLoop(sampler, { ...loop, sample, from: 5 });
    expect(Math.abs(sumOf(end) - 318.4111)).toBeLessThan(1e-2);
    expect(Math.abs(meanOf(end) - 0.4146)).toBeLessThan(1e-3);
  });
});

describe('DPM-Solver++', () => {
  it('leaves out timesteps below the clipped lambda', () => {
    const cosine = { beta_schedule: 'squaredcos_cap_v2', timestep_spacing: 'trailing' };
    const all = new DpmSolverMultistepSampler(cosine, { steps: 10 });
    const clipped = new DpmSolverMultistepSampler(
      { ...cosine, lambda_min_clipped: -1 },
      { steps: 10 },
    );
    expect(all.timesteps[0]).toBe(999);
    expect(clipped.timesteps[0]).toBeLessThan(999);
    expect(clipped.timesteps.length).toBeLessThan(10);
  });

  it.each(['midpoint', 'heun'])('stays where it is between two equal levels, with %s', (type) => {
    const equalEnd = {
      ...config,
      solver_type: type,
      solver_order: 3,
      use_karras_sigmas: true,
    };
    const end = runLoop(new DpmSolverMultistepSampler(equalEnd, { steps: 10 }), loop);
    expect(end.every(Number.isFinite)).toBe(true);
  });

  it('refuses more steps than it has noise levels', () => {
    expect(() => new DpmSolverMultistepSampler({}, { steps: 1000 })).toThrow(/noise levels/);
  });

  it('asserts that steps come in order', () => {
    const sampler = new DpmSolverMultistepSampler({}, { steps: 10 });
    const sample = new Float32Array(4);
    const step = (stepIndex: number) =>
      sampler.step({ sample, modelOutput: sample, stepIndex, batch: 1 });
    step(5);
    expect(() => step(7)).toThrow(/in order/);
  });
});
