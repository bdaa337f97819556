// Samplers and inverters for any config: timesteps in range and in order, inversion undone, checkpoints without a trace.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import { createInverter, createSampler } from '../../../../common/diffusion/create-sampler.ts';
import { SAMPLERS } from '../../../../common/stages.ts';
import type { Inverter, Sampler } from '../../../../common/diffusion/scheduler.ts';
import { standardNormals } from '../../../../workers/tensor/frame-noise.ts';
import { runLoop } from '../../../unit/common/diffusion/goldens.ts';

const seed = process.env['SEED'];
const runs = { numRuns: 200, ...(seed !== undefined && { seed: Number(seed) }) };

const configs = fc.record({
  num_train_timesteps: fc.constantFrom(50, 999, 1000, 1100),
  beta_schedule: fc.constantFrom('linear', 'scaled_linear', 'squaredcos_cap_v2'),
  timestep_spacing: fc.constantFrom('leading', 'trailing', 'linspace'),
  prediction_type: fc.constantFrom('epsilon', 'v_prediction'),
  steps_offset: fc.integer({ min: 0, max: 3 }),
  set_alpha_to_one: fc.boolean(),
  skip_prk_steps: fc.boolean(),
  solver_order: fc.constantFrom(1, 2, 3),
  use_karras_sigmas: fc.boolean(),
  disable_corrector: fc.constantFrom([], [0], [1, 2]),
  lower_order_final: fc.boolean(),
  final_sigmas_type: fc.constantFrom('zero', 'sigma_min'),
  clip_sample: fc.boolean(),
});
const samplers = fc.constantFrom(...SAMPLERS);
const modes = fc.constantFrom('ddim', 'official');
const stepCounts = fc.integer({ min: 1, max: 120 });

const VALUES = 24;
const normals = (step: number) =>
  standardNormals({ seed: 3, frames: [0], purpose: 'generate-step', step }, VALUES);
const model = (x: Float32Array, t: number) => x.map((value, i) => Math.sin(value + i) + t / 1000);
const loop = { sample: normals(9999), model, batch: 2, noise: normals };

describe('any sampler', () => {
  it('visits descending timesteps of the training, or refuses the config', () => {
    const property = fc.property(samplers, configs, stepCounts, (name, config, steps) => {
      const sampler = createdOrRefused(() => createSampler(name, config, { steps }));
      if (!sampler) return;
      expectInOrder(sampler.timesteps.toReversed(), config.num_train_timesteps);
    });
    fc.assert(property, runs);
  });

  it('ends on the same bits when it is saved and restored halfway', () => {
    const cuts = fc.double({ min: 0, max: 1, noNaN: true });
    const all = fc.tuple(samplers, configs, fc.integer({ min: 4, max: 20 }), cuts);
    const property = fc.property(all, ([name, config, steps, share]) => {
      const create = () => createSampler(name, config, { steps });
      const first = createdOrRefused(create);
      if (!first) return;
      const cut = Math.floor(share * first.timesteps.length);
      const middle = runLoop(first, { ...loop, to: cut });
      const second = create();
      second.restoreState(structuredClone(first.saveState()));
      const rest = { ...loop, sample: middle, from: cut };
      expect(runLoop(second, rest)).toEqual(runLoop(first, rest));
    });
    fc.assert(property, runs);
  });
});

describe('any inverter', () => {
  it('visits ascending timesteps of the training, or refuses the config', () => {
    const property = fc.property(modes, configs, stepCounts, (mode, config, steps) => {
      const inverter = createdOrRefused(() => createInverter(mode, config, { steps }));
      if (!inverter) return;
      expectInOrder(inverter.timesteps, config.num_train_timesteps);
    });
    fc.assert(property, runs);
  });
});

describe('inversion in mode ddim', () => {
  it('is undone by DDIM when the model predicts the same noise both ways', () => {
    const some = configs.map((config) => ({
      ...config,
      beta_schedule: config.beta_schedule === 'linear' ? 'linear' : 'scaled_linear',
      beta_start: 0.00085,
      beta_end: 0.012,
      prediction_type: 'epsilon',
      clip_sample: false,
    }));
    const seeds = fc.integer({ min: 0, max: 2 ** 31 });
    const property = fc.property(
      some,
      fc.integer({ min: 2, max: 50 }),
      seeds,
      (config, steps, key) => {
        const inverter = createdOrRefused(() => createInverter('ddim', config, { steps }));
        if (!inverter) return;
        const draw = (step: number) =>
          standardNormals({ seed: key, frames: [0], purpose: 'generate-step', step }, VALUES);
        const sample = draw(0);
        const constant = { model: () => draw(1), batch: 1 };
        const noise = runLoop(inverter, { ...constant, sample });
        const back = runLoop(createSampler('ddim', config, { steps }), {
          ...constant,
          sample: noise,
        });
        const error = Math.max(...back.map((x, i) => Math.abs(x - sample[i]!)));
        expect(error).toBeLessThan(1e-4);
      },
    );
    fc.assert(property, runs);
  });
});

/** Nothing where the config was refused: with an error of ours, or else it is a defect. */
function createdOrRefused<T extends Sampler | Inverter>(create: () => T): T | undefined {
  try {
    return create();
  } catch (error) {
    expect(error).toBeInstanceOf(BivdiffError);
    return undefined;
  }
}

function expectInOrder(ascending: readonly number[], trainSteps: number): void {
  expect(ascending.length).toBeGreaterThan(0);
  expect(ascending[0]).toBeGreaterThanOrEqual(0);
  expect(ascending.at(-1)).toBeLessThanOrEqual(trainSteps - 1);
  expect(ascending.every((time, i) => i === 0 || time >= ascending[i - 1]!)).toBe(true);
}
