// Whether two models were trained to be denoised alike, so that one may go on with the latents of the other: the noise of each training
// timestep and what their outputs mean. How they like to be sampled (spacing, offset, clipping) is no part of it.

import { BivdiffError } from '../errors.ts';
import { cumulativeAlphas } from './noise-schedule.ts';
import { readSchedulerConfig } from './scheduler-config.ts';

/** One key of two scheduler_config.json files; values as they stand there, or the default. */
export interface ScheduleDifference {
  readonly key: string;
  readonly first: unknown;
  readonly second: unknown;
}

/** The keys that say which noise a training timestep has, with the defaults of diffusers' classes. */
const NOISE_KEYS: Readonly<Record<string, unknown>> = {
  beta_start: 0.0001,
  beta_end: 0.02,
  beta_schedule: 'linear',
  trained_betas: null,
  rescale_betas_zero_snr: false,
};

/** Larger than what rounding leaves of betas written out in decimals, smaller than what zero terminal SNR changes. */
const ALPHA_TOLERANCE = 1e-4;

/**
 * What makes the second model another than the first; empty where they agree. Takes the contents of two scheduler_config.json, of
 * whichever classes; of one that cannot be read, the keys that differ.
 */
export function scheduleDifferences(first: unknown, second: unknown): ScheduleDifference[] {
  const differing = (key: string, standard: unknown): ScheduleDifference[] => {
    const difference = { key, first: at(first, key, standard), second: at(second, key, standard) };
    const isSame = JSON.stringify(difference.first) === JSON.stringify(difference.second);
    return isSame ? [] : [difference];
  };
  const counts = differing('num_train_timesteps', 1000);
  const predictions = differing('prediction_type', 'epsilon');
  const noise = Object.entries(NOISE_KEYS).flatMap(([key, standard]) => differing(key, standard));
  const isOtherNoise = counts.length > 0 || !areClose(alphasOf(first), alphasOf(second));
  return [...counts, ...predictions, ...(isOtherNoise ? noise : [])];
}

function at(config: unknown, key: string, standard: unknown): unknown {
  if (typeof config !== 'object' || config === null) return standard;
  return (config as Readonly<Record<string, unknown>>)[key] ?? standard;
}

/** Undefined where the keys say nothing that is known here. */
function alphasOf(config: unknown): Float32Array | undefined {
  const keys = ['num_train_timesteps', ...Object.keys(NOISE_KEYS)];
  const noise = keys.map((key) => [key, at(config, key, undefined)] as const);
  const given = noise.filter(([, value]) => value !== undefined);
  try {
    return cumulativeAlphas(readSchedulerConfig(Object.fromEntries(given), 'ddim'));
  } catch (reason) {
    if (reason instanceof BivdiffError) return undefined;
    throw reason;
  }
}

function areClose(first: Float32Array | undefined, second: Float32Array | undefined): boolean {
  if (first === undefined || first.length !== second?.length) return false;
  return first.every((alpha, i) => Math.abs(alpha - second[i]!) <= ALPHA_TOLERANCE);
}
