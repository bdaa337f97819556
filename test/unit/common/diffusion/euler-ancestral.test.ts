import { describe, expect, it } from 'vitest';

import { EulerAncestralSampler } from '../../../../common/diffusion/samplers/euler-ancestral.ts';
import { goldenFloats, meanOf, rampModel, rampSample, sumOf } from './goldens.ts';

describe('Euler ancestral', () => {
  // tests/schedulers/test_scheduler_euler_ancestral.py of diffusers, with the noise that torch drew there.
  it('ends at the known sum of the loop that diffusers tests', () => {
    const noise = goldenFloats('euler-noise');
    const sampler = new EulerAncestralSampler({ num_train_timesteps: 1100 }, { steps: 10 });
    const draw = (step: number) => noise.subarray(step * 768, (step + 1) * 768);
    let sample: Float32Array = rampSample().map((x) => x * sampler.initNoiseSigma);
    for (const [stepIndex, time] of sampler.timesteps.entries()) {
      // The test goes on from the scaled state, as a pipeline would not.
      sample = sampler.scaleModelInput(sample, stepIndex);
      const modelOutput = rampModel(sample, time);
      sample = sampler.step({ modelOutput, stepIndex, sample, batch: 4, noise: draw });
    }
    expect(Math.abs(sumOf(sample) - 152.3192)).toBeLessThan(1e-2);
    expect(Math.abs(meanOf(sample) - 0.1983)).toBeLessThan(1e-3);
  });

  it('starts with the deviation of clean sample and noise together when timesteps lead', () => {
    const largest = new EulerAncestralSampler({ timestep_spacing: 'trailing' }, { steps: 10 });
    expect(largest.initNoiseSigma).toBeCloseTo(157.4, 1);
    const leading = new EulerAncestralSampler({ timestep_spacing: 'leading' }, { steps: 1 });
    expect(leading.initNoiseSigma).toBeCloseTo(Math.sqrt(1 + 0.0001 / 0.9999), 6);
  });

  it('asserts that it was given noise, and needs none to reach the clean sample', () => {
    const sampler = new EulerAncestralSampler({}, { steps: 2 });
    const sample = new Float32Array(4);
    const input = { sample, modelOutput: sample, batch: 1 };
    expect(() => sampler.step({ ...input, stepIndex: 0 })).toThrow(/given none/);
    expect(sampler.step({ ...input, stepIndex: 1 })).toEqual(sample);
  });
});
