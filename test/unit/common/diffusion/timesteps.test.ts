import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import { createSampler } from '../../../../common/diffusion/create-sampler.ts';
import { dpmSchedule } from '../../../../common/diffusion/samplers/dpm-schedule.ts';
import { readSchedulerConfig } from '../../../../common/diffusion/scheduler-config.ts';
import { roundHalfToEven, trainingTimesteps } from '../../../../common/diffusion/timesteps.ts';
import { digestOf, goldenGrid } from './goldens.ts';

const timestepsOf = (spacing: string, steps: number) =>
  createSampler('ddim', { timestep_spacing: spacing }, { steps }).timesteps;

describe('timesteps', () => {
  it.each([
    ['leading', 10, [900, 800, 700, 600, 500, 400, 300, 200, 100, 0]],
    ['trailing', 10, [999, 899, 799, 699, 599, 499, 399, 299, 199, 99]],
    ['linspace', 10, [999, 888, 777, 666, 555, 444, 333, 222, 111, 0]],
    ['leading', 7, [852, 710, 568, 426, 284, 142, 0]],
    ['trailing', 7, [999, 856, 713, 570, 428, 285, 142]],
  ])('are the known ones, %s with %i steps', (spacing, steps, expected) => {
    expect(timestepsOf(spacing, steps)).toEqual(expected);
  });

  it.each(goldenGrid().timesteps)(
    'equal those of $class for every step count up to $counts, $spacing',
    ({ class: name, spacing, counts, sha256 }) => {
      const isDdim = name === 'DDIMScheduler';
      const raw = { timestep_spacing: spacing };
      const config = readSchedulerConfig(raw, isDdim ? 'ddim' : 'dpm-solver++');
      const visited = (steps: number) =>
        isDdim
          ? trainingTimesteps(config, steps).reverse()
          : dpmSchedule(config, { steps }).timesteps;
      const all = Array.from({ length: counts }, (_, i) => visited(i + 1));
      const timesteps = Int32Array.from(all.flat());
      expect(digestOf(timesteps)).toBe(sha256);
    },
  );

  it.each([0, -1, 2.5, 1001, NaN])('cannot be %d', (steps) => {
    expect(() => timestepsOf('leading', steps)).toThrow(BivdiffError);
  });

  it('cannot be outside of those trained on', () => {
    const config = { steps_offset: 1 };
    expect(() => createSampler('ddim', config, { steps: 1000 })).toThrow(/timestep 1000, outside/);
  });
});

describe('rounding to whole numbers', () => {
  it.each([
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [2.4999, 2],
    [2.5001, 3],
    [7, 7],
  ])('takes %d to %i, halves to the even neighbour', (value, expected) => {
    expect(roundHalfToEven(value)).toBe(expected);
  });
});
