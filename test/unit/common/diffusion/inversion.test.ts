import { describe, expect, it } from 'vitest';

import { cumulativeAlphas } from '../../../../common/diffusion/noise-schedule.ts';
import { readSchedulerConfig } from '../../../../common/diffusion/scheduler-config.ts';
import { BivdiffInverter } from '../../../../common/diffusion/inverters/bivdiff-inverse.ts';
import { createInverter, createSampler } from '../../../../common/diffusion/create-sampler.ts';
import { DdimInverter } from '../../../../common/diffusion/inverters/ddim-inverse.ts';
import { standardNormals } from '../../../../workers/tensor/frame-noise.ts';
import { meanOf, rampModel, rampSample, runLoop, sumOf } from './goldens.ts';

const SD15 = {
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  beta_end: 0.012,
  steps_offset: 1,
  set_alpha_to_one: false,
  clip_sample: false,
};
const loop = { sample: rampSample(), model: rampModel, batch: 4 };

// tests/schedulers/test_scheduler_ddim_inverse.py of diffusers: sums within 1e-2, means within 1e-3.
describe('DDIM inversion, in the loops that diffusers tests', () => {
  it.each([
    ['noise predicted', {}, 671.6816, 0.8746],
    ['velocity predicted', { prediction_type: 'v_prediction' }, 1394.2185, 1.8154],
    ['initial alpha one', { set_alpha_to_one: true, beta_start: 0.01 }, 539.9622, 0.7031],
    ['initial alpha the first', { set_alpha_to_one: false, beta_start: 0.01 }, 542.6722, 0.7066],
  ])('ends at the known sum with %s', (_, config, sum, mean) => {
    const end = runLoop(new DdimInverter(config, { steps: 10 }), loop);
    expect(Math.abs(sumOf(end) - sum)).toBeLessThan(1e-2);
    expect(Math.abs(meanOf(end) - mean)).toBeLessThan(1e-3);
  });

  it('visits the known timesteps, ascending', () => {
    const inverter = new DdimInverter({ steps_offset: 1 }, { steps: 5 });
    expect(inverter.timesteps).toEqual([1, 201, 401, 601, 801]);
  });

  it.each(['trailing', 'linspace'])('visits the timesteps of DDIM backwards, %s', (spacing) => {
    const config = { ...SD15, timestep_spacing: spacing };
    for (const steps of [1, 7, 50, 61]) {
      const { timesteps } = createSampler('ddim', config, { steps });
      expect(new DdimInverter(config, { steps }).timesteps).toEqual(timesteps.toReversed());
    }
  });

  // By hand: each step leads from the level a stride of 333 below its timestep, or from the clean state's, to that timestep's.
  it('takes the levels of linspace that DDIM leaves', () => {
    const config = { ...SD15, timestep_spacing: 'linspace', set_alpha_to_one: true };
    const alphas = cumulativeAlphas(readSchedulerConfig(config, 'ddim'));
    const inverter = new DdimInverter(config, { steps: 3 });
    const [before, after] = [[1, alphas[167]!, alphas[666]!], [0, 500, 999].map((t) => alphas[t]!)];
    expect(inverter.timesteps).toEqual([0, 500, 999]);
    for (const stepIndex of [0, 1, 2]) {
      const input = { sample: Float32Array.of(1.5), modelOutput: Float32Array.of(-0.5), batch: 1 };
      const [a, b] = [before[stepIndex]!, after[stepIndex]!];
      const clean = (1.5 + 0.5 * Math.sqrt(1 - a)) / Math.sqrt(a);
      const expected = Math.sqrt(b) * clean - 0.5 * Math.sqrt(1 - b);
      expect(inverter.step({ ...input, stepIndex })[0]).toBeCloseTo(expected, 5);
    }
  });

  it('refuses a predicted sample where the first state has no noise', () => {
    const config = { prediction_type: 'sample', set_alpha_to_one: true };
    expect(() => new DdimInverter(config, { steps: 10 })).toThrow(/set_alpha_to_one/);
  });
});

describe('inversion with the config of Stable Diffusion 1.5', () => {
  it.each([
    ['ddim', 676.5043],
    ['official', 595.2605],
  ] as const)('ends at the known sum in mode %s', (mode, sum) => {
    const end = runLoop(createInverter(mode, SD15, { steps: 10 }), loop);
    expect(Math.abs(sumOf(end) - sum)).toBeLessThan(1e-3);
  });

  it('visits 1, 21, ... 981 in 50 steps', () => {
    const inverter = new BivdiffInverter(SD15, { steps: 50 });
    expect(inverter.timesteps).toEqual(Array.from({ length: 50 }, (_, i) => 20 * i + 1));
  });

  // Sums of |z| and of the smoothed |z|, derived in float64.
  it.each([
    ['official', 1, 595.260472, 1350.677163],
    ['official', 0.25, 256.933787, 582.99621],
    ['official', 0.1, 189.268451, 429.460019],
    ['official', 0, 144.158226, 327.102559],
    ['ddim', 1, 676.504307, 1535.023677],
    ['ddim', 0.25, 315.854615, 716.690651],
    ['ddim', 0.1, 243.724677, 553.024046],
    ['ddim', 0, 195.638051, 443.912976],
  ] as const)(
    'mixes and smooths to the known sums in mode %s at ratio %d',
    (mode, ratio, mixedSum, smoothedSum) => {
      const videoModel = (x: Float32Array, t: number) => rampModel(x, t).map((e) => e / 2);
      const inverter = createInverter(mode, SD15, { steps: 10 });
      const image = runLoop(inverter, loop);
      const video = runLoop(inverter, { ...loop, model: videoModel });
      const mixed = image.map((z, i) => ratio * z + (1 - ratio) * video[i]!);
      const sampler = createSampler('ddim', SD15, { steps: 10 });
      const smoothed = runLoop(sampler, { ...loop, sample: mixed, model: videoModel });
      expect(Math.abs(sumOf(mixed) - mixedSum)).toBeLessThan(1e-3);
      expect(Math.abs(sumOf(smoothed) - smoothedSum)).toBeLessThan(3e-3);
    },
  );

  it.each(
    ['trailing', 'linspace'].flatMap((spacing) =>
      [10, 25, 50, 61].map((n) => [spacing, n] as const),
    ),
  )('is undone by DDIM in mode ddim, %s, %i steps', (spacing, steps) => {
    const config = { ...SD15, timestep_spacing: spacing };
    const key = { seed: 1, purpose: 'generate-initial' } as const;
    const sample = standardNormals({ ...key, frames: [0] }, 8192);
    const output = standardNormals({ ...key, frames: [1] }, 8192);
    const constant = { model: () => output, batch: 1 };
    const noise = runLoop(createInverter('ddim', config, { steps }), { ...constant, sample });
    const sampler = createSampler('ddim', config, { steps });
    const back = runLoop(sampler, { ...constant, sample: noise });
    expect(meanOf(back.map((x, i) => x - sample[i]!))).toBeLessThan(1e-5);
  });

  it.each([
    [50, 0.077],
    [25, 0.156],
    [10, 0.336],
  ])(
    'is undone by %i steps of DDIM in mode ddim, and misses by %d in mode official',
    (steps, miss) => {
      const key = { seed: 1, purpose: 'generate-initial' } as const;
      const sample = standardNormals({ ...key, frames: [0] }, 8192);
      const output = standardNormals({ ...key, frames: [1] }, 8192);
      const model = () => output;
      const sampler = createSampler('ddim', SD15, { steps });
      const errorOf = (mode: 'ddim' | 'official') => {
        const inverter = createInverter(mode, SD15, { steps });
        const noise = runLoop(inverter, { sample, model, batch: 1 });
        const back = runLoop(sampler, { sample: noise, model, batch: 1 });
        return meanOf(back.map((x, i) => x - sample[i]!));
      };
      expect(errorOf('ddim')).toBeLessThan(1e-5);
      expect(Math.abs(errorOf('official') - miss)).toBeLessThan(0.01);
    },
  );
});
