import { describe, expect, it } from 'vitest';

import { DdimSampler } from '../../../../common/diffusion/samplers/ddim.ts';
import { addNoise } from '../../../../common/diffusion/strength.ts';
import { meanOf, rampModel, rampNoise, rampSample, runLoop, sumOf } from './goldens.ts';

const loop = { sample: rampSample(), model: rampModel, batch: 4 };

// tests/schedulers/test_scheduler_ddim.py of diffusers: sums within 1e-2, means within 1e-3.
describe('DDIM, in the loops that diffusers tests', () => {
  it.each([
    ['noise predicted', {}, 172.0067, 0.223967],
    ['velocity predicted', { prediction_type: 'v_prediction' }, 52.5302, 0.0684],
    ['final alpha one', { set_alpha_to_one: true, beta_start: 0.01 }, 149.8295, 0.1951],
    ['final alpha the first', { set_alpha_to_one: false, beta_start: 0.01 }, 149.0784, 0.1941],
    ['trailing', { timestep_spacing: 'trailing' }, 170.035, 170.035 / 768],
    ['linspace', { timestep_spacing: 'linspace' }, 191.2538, 191.2538 / 768],
  ])('ends at the known sum with %s', (_, config, sum, mean) => {
    const end = runLoop(new DdimSampler(config, { steps: 10 }), loop);
    expect(Math.abs(sumOf(end) - sum)).toBeLessThan(1e-2);
    expect(Math.abs(meanOf(end) - mean)).toBeLessThan(1e-3);
  });

  it('ends at the known sum from the 8th step, with noise added there', () => {
    const sampler = new DdimSampler({}, { steps: 10 });
    const sample = addNoise(rampSample(), rampNoise(), { config: {}, timestep: 100 });
    const end = runLoop(sampler, { ...loop, sample, from: 8 });
    expect(sampler.timesteps[8]).toBe(100);
    expect(Math.abs(sumOf(end) - 354.5418)).toBeLessThan(1e-2);
    expect(Math.abs(meanOf(end) - 0.4616)).toBeLessThan(1e-3);
  });

  it('ends at the known sum with the config of Stable Diffusion 1.5', () => {
    const config = {
      beta_schedule: 'scaled_linear',
      beta_start: 0.00085,
      beta_end: 0.012,
      steps_offset: 1,
      set_alpha_to_one: false,
      clip_sample: false,
    };
    const end = runLoop(new DdimSampler(config, { steps: 10 }), loop);
    expect(Math.abs(sumOf(end) - 183.2582)).toBeLessThan(1e-3);
  });

  it('visits the known timesteps', () => {
    expect(new DdimSampler({ steps_offset: 1 }, { steps: 5 }).timesteps).toEqual([
      801, 601, 401, 201, 1,
    ]);
  });
});

describe('DDIM', () => {
  it('asks for no noise', () => {
    const zeros = new Float32Array(4);
    const noise = () => expect.unreachable();
    const sampler = new DdimSampler({}, { steps: 10 });
    const input = { modelOutput: zeros, sample: zeros, stepIndex: 0, batch: 1, noise };
    expect(sampler.step(input)).toEqual(zeros);
  });
});

describe('DDIM that is told of a clean sample', () => {
  const sampler = new DdimSampler({ clip_sample: false }, { steps: 10 });
  const input = { modelOutput: Float32Array.of(0.5, -0.25), stepIndex: 4, batch: 1 };
  const step = { ...input, sample: Float32Array.of(0.3, 1.2) };

  it('goes where it goes by itself, told of the one that it predicts', () => {
    const clean = sampler.predictClean(step);
    expect(sampler.step({ ...step, clean })).toEqual(sampler.step(step));
  });

  it('goes on from it with the noise that was predicted', () => {
    // At alpha-bar of t = 400, where the step leads from t = 500; betas are linear from 0.0001 to 0.02.
    const betas = Array.from({ length: 401 }, (_, i) => 0.0001 + (0.0199 * i) / 999);
    const alpha = betas.reduce((product, beta) => product * (1 - beta), 1);
    expect(sampler.timesteps[4]).toBe(500);
    const next = sampler.step({ ...step, clean: Float32Array.of(1, 0) });
    expect(next[0]).toBeCloseTo(Math.sqrt(alpha) + Math.sqrt(1 - alpha) * 0.5, 5);
    expect(next[1]).toBeCloseTo(Math.sqrt(1 - alpha) * -0.25, 5);
  });
});

describe('DDIM that keeps the clean sample in range', () => {
  const step = (config: object, values: readonly number[], batch: number) =>
    new DdimSampler({ prediction_type: 'sample', ...config }, { steps: 1 }).step({
      modelOutput: Float32Array.from(values),
      sample: new Float32Array(values.length),
      stepIndex: 0,
      batch,
    });

  it('clips it to the range', () => {
    const clean = step({ clip_sample: true, clip_sample_range: 2 }, [-3, -1, 1, 3], 1);
    expect([...clean]).toEqual([-2, -1, 1, 2]);
  });

  it('divides each sample of a batch by its own threshold', () => {
    const config = { thresholding: true, dynamic_thresholding_ratio: 1, sample_max_value: 10 };
    const clean = step(config, [4, -2, 0.5, 0.25], 2);
    expect([...clean]).toEqual([1, -0.5, 0.5, 0.25]);
  });
});

describe('DDIM at zero terminal SNR', () => {
  it('refuses predicted noise where the first state has no signal', () => {
    const config = { rescale_betas_zero_snr: true, timestep_spacing: 'trailing' };
    expect(() => new DdimSampler(config, { steps: 10 })).toThrow(/zero terminal SNR/);
    const velocity = { ...config, prediction_type: 'v_prediction' };
    expect(new DdimSampler(velocity, { steps: 10 }).timesteps[0]).toBe(999);
  });
});
