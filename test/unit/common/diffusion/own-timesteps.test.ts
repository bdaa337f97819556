import { describe, expect, it } from 'vitest';

import { createSampler } from '../../../../common/diffusion/create-sampler.ts';
import { SAMPLERS } from '../../../../common/stages.ts';

const TIMESTEPS = [999, 500, 3];
const options = { steps: 3, timesteps: TIMESTEPS };

describe('a sampler', () => {
  it.each(['euler', 'dpm-solver++', 'lcm'] as const)('visits the listed timesteps: %s', (name) => {
    expect(createSampler(name, {}, options).timesteps).toEqual(TIMESTEPS);
  });

  it('visits them twice but for the first: heun', () => {
    expect(createSampler('heun', {}, options).timesteps).toEqual([999, 500, 500, 3, 3]);
  });

  it.each(SAMPLERS.filter((name) => !['euler', 'heun', 'dpm-solver++', 'lcm'].includes(name)))(
    'takes none: %s',
    (name) => {
      expect(() => createSampler(name, {}, options)).toThrow(/takes no timesteps of a list/);
    },
  );

  it.each(['karras', 'exponential', 'beta'])('takes none with %s sigmas', (spacing) => {
    const config = { [`use_${spacing}_sigmas`]: true };
    const make = () => createSampler('euler', config, options);
    expect(make).toThrow(new RegExp(`use_${spacing}_sigmas spaces noise levels without`));
  });

  it.each([
    [[], /have to descend/],
    [[3, 3], /have to descend/],
    [[1000], /timestep 1000 is none of the training, 0 to 999/],
    [[3, -1], /timestep -1 is none/],
    [[3.5], /timestep 3.5 is none/],
  ])('takes no such list: %j', (timesteps, words) => {
    const make = () => createSampler('lcm', {}, { steps: timesteps.length, timesteps });
    expect(make).toThrow(words);
  });
});
