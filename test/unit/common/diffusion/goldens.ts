// Reads what models/parity/schedulers/record.py recorded of diffusers, and repeats its inputs.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { createInverter, createSampler } from '../../../../common/diffusion/create-sampler.ts';
import type { Inverter, Sampler } from '../../../../common/diffusion/scheduler.ts';

const folder = new URL('../../../../models/parity/schedulers/goldens/', import.meta.url);

export type DiffusersClass =
  | 'DDIMScheduler'
  | 'DDIMInverseScheduler'
  | 'PNDMScheduler'
  | 'EulerAncestralDiscreteScheduler'
  | 'DPMSolverMultistepScheduler'
  | 'EulerDiscreteScheduler'
  | 'HeunDiscreteScheduler'
  | 'UniPCMultistepScheduler'
  | 'DEISMultistepScheduler'
  | 'LCMScheduler';

export interface GoldenRun {
  readonly class: DiffusersClass;
  readonly config: Readonly<Record<string, unknown>>;
  /** How many, or the timesteps. */
  readonly steps: number | readonly number[];
  /** Digest of the last state when torch's square root, logarithm and exponential round correctly. */
  readonly rounded: string;
}

interface Grid {
  readonly runs: readonly GoldenRun[];
  readonly tables: readonly {
    readonly config: Readonly<Record<string, unknown>>;
    readonly rounded: string;
  }[];
  readonly timesteps: readonly {
    readonly class: DiffusersClass;
    readonly spacing: string;
    readonly counts: number;
    readonly sha256: string;
  }[];
  readonly normals: readonly {
    readonly seed: number;
    readonly frame: number;
    readonly purpose: number;
    readonly step: number;
  }[];
}

type Header = Readonly<Record<string, { readonly data_offsets: readonly [number, number] }>>;

export function goldenGrid(): Grid {
  return JSON.parse(readFileSync(new URL('grid.json', folder), 'utf8')) as Grid;
}

const file = readFileSync(new URL('goldens.safetensors', folder));
const headerBytes = Number(file.readBigUInt64LE(0));
const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes)) as Header;

export function goldenFloats(name: string): Float32Array {
  const entry = header[name];
  if (!entry) throw new RangeError(`no golden ${name}`);
  const [start, end] = entry.data_offsets.map((offset) => offset + 8 + headerBytes);
  return new Float32Array(new Uint8Array(file.subarray(start, end)).buffer);
}

export function schedulerOf({ class: name, config, steps: told }: GoldenRun): Sampler | Inverter {
  const options =
    typeof told === 'number' ? { steps: told } : { steps: told.length, timesteps: told };
  switch (name) {
    case 'DDIMScheduler':
      return createSampler('ddim', config, options);
    case 'DDIMInverseScheduler':
      return createInverter('ddim', config, options);
    case 'PNDMScheduler':
      return createSampler('pndm', config, options);
    case 'EulerAncestralDiscreteScheduler':
      return createSampler('euler-ancestral', config, options);
    case 'DPMSolverMultistepScheduler':
      return createSampler('dpm-solver++', config, options);
    case 'EulerDiscreteScheduler':
      return createSampler('euler', config, options);
    case 'HeunDiscreteScheduler':
      return createSampler('heun', config, options);
    case 'UniPCMultistepScheduler':
      return createSampler('unipc', config, options);
    case 'DEISMultistepScheduler':
      return createSampler('deis', config, options);
    case 'LCMScheduler':
      return createSampler('lcm', config, options);
  }
}

export const GOLDEN_BATCH = 2;
const COUNT = 48;
const { fround } = Math;

const pattern = Float32Array.from({ length: COUNT }, (_, i) => ((i * 37) % 23) / 23 - 0.5);

/** The recorder's first state: `[2, 2, 3, 4]`, within -3..3. */
export function goldenStart(): Float32Array {
  return Float32Array.from(
    { length: COUNT },
    (_, i) => (((i * 29) % 47) / 47 - 0.5) * (i < COUNT / 2 ? 3 : 6),
  );
}

/** The recorder's model: half of x * t / (t + 1), and a fixed pattern. */
export function goldenModel(state: Float32Array, time: number): Float32Array {
  return state.map(
    (x, i) => fround(fround(fround(x * fround(time)) / fround(time + 1)) * 0.5) + pattern[i]!,
  );
}

export function goldenNoise(step: number): Float32Array {
  return Float32Array.from(
    { length: COUNT },
    (_, i) => (((i * 7919 + step * 104729) % 1009) / 1009) * 4 - 2,
  );
}

/** Fixtures of diffusers' own scheduler tests (tests/schedulers/test_schedulers.py): `[4, 3, 8, 8]`, 0..1. */
export function rampSample(): Float32Array {
  const values = new Float32Array(768);
  for (let b = 0; b < 4; b += 1) {
    for (let rest = 0; rest < 192; rest += 1) values[b * 192 + rest] = (rest * 4 + b) / 768;
  }
  return values;
}

export function rampNoise(): Float32Array {
  return rampSample().map((value) => (767 - Math.round(value * 768)) / 768);
}

/** A clean sample with as much noise as a state has whose abar is `alpha` (DDIM, equation 4). */
export function noisySample(clean: Float32Array, noise: Float32Array, alpha: number): Float32Array {
  return clean.map((x, i) => Math.sqrt(alpha) * x + Math.sqrt(1 - alpha) * noise[i]!);
}

/** Their model: x * t / (t + 1). */
export function rampModel(state: Float32Array, time: number): Float32Array {
  return state.map((x) => fround(x * fround(time)) / fround(time + 1));
}

export interface LoopOptions {
  readonly sample: Float32Array;
  readonly model: (sample: Float32Array, timestep: number) => Float32Array;
  readonly batch: number;
  readonly from?: number;
  readonly to?: number;
  readonly noise?: (step: number) => Float32Array;
}

/** Runs steps `from` to `to` of a sampler or inverter and returns the last state. */
export function runLoop(scheduler: Sampler | Inverter, options: LoopOptions): Float32Array {
  const { model, batch, noise, from = 0, to = scheduler.timesteps.length } = options;
  let sample = options.sample;
  for (let stepIndex = from; stepIndex < to; stepIndex += 1) {
    const seen = scheduler.scaleModelInput(sample, stepIndex);
    const modelOutput = model(seen, scheduler.timesteps[stepIndex]!);
    sample = scheduler.step({ modelOutput, stepIndex, sample, batch, ...(noise && { noise }) });
  }
  return sample;
}

export function sumOf(values: Float32Array): number {
  return values.reduce((sum, value) => sum + Math.abs(value), 0);
}

export function meanOf(values: Float32Array): number {
  return sumOf(values) / values.length;
}

/** SHA-256 of the values as float32, little-endian. */
export function digestOf(values: Float32Array | Int32Array): string {
  return createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');
}

/** Largest difference, relative to the largest magnitude expected. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Infinity;
  const scale = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-30);
  let error = 0;
  for (const [i, value] of actual.entries()) {
    const difference = Math.abs(value - expected[i]!) / scale;
    // NaN is no agreement.
    if (!(difference <= error)) error = difference;
  }
  return error;
}
