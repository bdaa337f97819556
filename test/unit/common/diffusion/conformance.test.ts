// What every sampler and inverter keeps, whatever the algorithm.

import { describe, expect, it } from 'vitest';

import { createInverter, createSampler } from '../../../../common/diffusion/create-sampler.ts';
import type { Inverter, Sampler, StepInput } from '../../../../common/diffusion/scheduler.ts';
import { standardNormals } from '../../../../workers/tensor/frame-noise.ts';
import { noisySample, runLoop } from './goldens.ts';

const config = {
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  beta_end: 0.012,
  steps_offset: 1,
  set_alpha_to_one: false,
  clip_sample: false,
};
const skipping = { ...config, skip_prk_steps: true };
const order3 = { ...config, solver_order: 3 };
const karras = { ...config, use_karras_sigmas: true };

const ALL: readonly (readonly [string, (steps: number) => Sampler | Inverter])[] = [
  ['ddim', (steps) => createSampler('ddim', config, { steps })],
  ['pndm', (steps) => createSampler('pndm', config, { steps })],
  ['pndm without Runge-Kutta steps', (steps) => createSampler('pndm', skipping, { steps })],
  ['euler-ancestral', (steps) => createSampler('euler-ancestral', config, { steps })],
  ['dpm-solver++', (steps) => createSampler('dpm-solver++', config, { steps })],
  ['dpm-solver++ of order 3', (steps) => createSampler('dpm-solver++', order3, { steps })],
  ['euler', (steps) => createSampler('euler', config, { steps })],
  ['euler with Karras sigmas', (steps) => createSampler('euler', karras, { steps })],
  ['heun', (steps) => createSampler('heun', config, { steps })],
  ['unipc', (steps) => createSampler('unipc', config, { steps })],
  ['unipc of order 3', (steps) => createSampler('unipc', order3, { steps })],
  ['deis', (steps) => createSampler('deis', config, { steps })],
  ['deis of order 3', (steps) => createSampler('deis', order3, { steps })],
  ['lcm', (steps) => createSampler('lcm', config, { steps })],
  ['ddim inversion', (steps) => createInverter('ddim', config, { steps })],
  ['official inversion', (steps) => createInverter('official', config, { steps })],
];

const key = { seed: 5, purpose: 'generate-step' } as const;
const normals = (step: number) => standardNormals({ ...key, frames: [0], step }, 32);
const model = (x: Float32Array, t: number) => x.map((value, i) => Math.sin(value + i) + t / 1000);
const loop = { sample: normals(1000), model, batch: 2, noise: normals };

describe.each(ALL)('%s', (name, create) => {
  it('goes through timesteps of the training in one direction', () => {
    const { timesteps } = create(20);
    const ordered = timesteps.toSorted((a, b) => (name.includes('inversion') ? a - b : b - a));
    expect(timesteps).toEqual(ordered);
    expect(timesteps.every((time) => time >= 0 && time <= 999)).toBe(true);
  });

  it('leaves what it is given as it was, and gives a new array', () => {
    const scheduler = create(10);
    for (let stepIndex = 0; stepIndex < scheduler.timesteps.length; stepIndex += 1) {
      const [sample, modelOutput, noise] = [normals(1), normals(2), normals(3)];
      scheduler.scaleModelInput(sample, stepIndex);
      const next = scheduler.step({ sample, modelOutput, stepIndex, batch: 2, noise: () => noise });
      expect([sample, modelOutput, noise]).toEqual([normals(1), normals(2), normals(3)]);
      expect([sample.buffer, modelOutput.buffer, noise.buffer]).not.toContain(next.buffer);
    }
  });

  it('keeps nothing of what it is given', () => {
    const expected = runLoop(create(10), loop);
    const scheduler = create(10);
    let sample: Float32Array = loop.sample.slice();
    for (const [stepIndex, time] of scheduler.timesteps.entries()) {
      const modelOutput = model(scheduler.scaleModelInput(sample, stepIndex), time);
      const next = scheduler.step({ sample, modelOutput, stepIndex, batch: 2, noise: normals });
      sample.fill(NaN);
      modelOutput.fill(NaN);
      sample = next;
    }
    expect(sample).toEqual(expected);
  });

  it.each([4, 7, 50])('ends on finite numbers after %i steps', (steps) => {
    expect(runLoop(create(steps), loop).every(Number.isFinite)).toBe(true);
  });

  it('ends on the same bits every time', () => {
    expect(runLoop(create(25), loop)).toEqual(runLoop(create(25), loop));
  });

  it('goes on from a saved state with the same bits', () => {
    const whole = runLoop(create(10), loop);
    const { length } = create(10).timesteps;
    for (let cut = 0; cut <= length; cut += 1) {
      const first = create(10);
      const middle = runLoop(first, { ...loop, to: cut });
      const state = structuredClone(first.saveState());
      runLoop(first, { ...loop, sample: middle, from: cut });
      const second = create(10);
      second.restoreState(state);
      expect(runLoop(second, { ...loop, sample: middle, from: cut })).toEqual(whole);
    }
  });

  it.each<[string, Partial<StepInput>]>([
    ['a model output of another length', { modelOutput: new Float32Array(31) }],
    ['a batch that does not divide the sample', { batch: 5 }],
    ['no batch at all', { batch: 0 }],
    ['a step before the first', { stepIndex: -1 }],
    ['a step after the last', { stepIndex: 1000 }],
  ])('asserts against %s', (_, wrong) => {
    const right = { sample: normals(1), modelOutput: normals(2), stepIndex: 0, batch: 2 };
    expect(() => create(10).step({ ...right, noise: normals, ...wrong })).toThrow(
      expect.objectContaining({ code: 'ERR_ASSERTION' }),
    );
  });
});

const SAMPLERS = ALL.filter(([name]) => !name.includes('inversion'));

describe.each(SAMPLERS)('%s, as a sampler', (name, create) => {
  it('is led to the clean sample by a model that knows it', () => {
    const sampler = create(25) as Sampler;
    const clean = normals(7);
    // The noise that makes the seen state out of the clean sample: that of a variance-preserving process.
    const alphas = alphasOfConfig();
    const oracle = (seen: Float32Array, time: number) => {
      const alpha = alphas(time);
      return seen.map((x, i) => (x - Math.sqrt(alpha) * clean[i]!) / Math.sqrt(1 - alpha));
    };
    // Euler's and Heun's states are larger, by the root of what is left of the clean sample.
    const alpha = alphas(sampler.timesteps[0]!);
    const scale = /^(euler|heun)/.test(name) ? Math.sqrt(alpha) : 1;
    const sample = noisySample(clean, normals(8), alpha).map((x) => x / scale);
    const end = runLoop(sampler, { ...loop, sample, model: oracle });
    const error = Math.max(...end.map((x, i) => Math.abs(x - clean[i]!)));
    // The last level of DDIM and PNDM has the first training step's noise left in it.
    expect(error).toBeLessThan(0.12);
  });
});

/** abar at a timestep that need not be whole, for the config above. */
function alphasOfConfig(): (time: number) => number {
  const [first, last] = [Math.sqrt(config.beta_start), Math.sqrt(config.beta_end)];
  const alphas: number[] = [];
  for (let i = 0, product = 1; i < 1000; i += 1) {
    product *= 1 - (first + ((last - first) * i) / 999) ** 2;
    alphas.push(product);
  }
  return (time) => {
    const below = Math.floor(time);
    const share = time - below;
    return alphas[below]! * (1 - share) + (alphas[below + 1] ?? 0) * share;
  };
}
