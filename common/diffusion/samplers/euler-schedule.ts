// What the Euler samplers and Heun's have in common: the noise levels that they visit, and states that grow with the noise, clean + sigma *
// noise (diffusers, set_timesteps and scale_model_input of their classes).

import { positiveCumulativeAlphas, sigmasFromAlphas } from '../noise-schedule.ts';
import { weightedSum } from '../predicted-sample.ts';
import type { ModelAnswer } from '../predicted-sample.ts';
import type { PredictionType, SchedulerConfig } from '../scheduler-config.ts';
import { spacedSigmas, timestepsOfSigmas } from '../sigma-spacing.ts';
import type { SamplerOptions } from '../scheduler.ts';
import { evenlySpaced, requireTrained, trainingTimesteps } from '../timesteps.ts';

const { fround, sqrt } = Math;

export interface EulerSchedule {
  /** Descending, float32 and rarely whole. */
  readonly timesteps: readonly number[];
  /** Of each timestep, and the last to reach. */
  readonly sigmas: Float32Array;
  readonly initNoiseSigma: number;
}

/** @throws invalid-argument — the spacing leads outside of the training's timesteps */
export function eulerSchedule(
  config: SchedulerConfig,
  { steps, timesteps: own }: SamplerOptions,
  algorithm: 'euler' | 'euler-ancestral' | 'heun',
): EulerSchedule {
  const table = sigmasFromAlphas(positiveCumulativeAlphas(config));
  const { sigmaSpacing, finalSigmasType } = config.solver;
  let timesteps = own === undefined ? spacedTimesteps(config, steps) : [...own];
  requireTrained(timesteps, config, { algorithm, steps });
  let sigmas = timesteps.map((time) => interpolate(table, time));
  if (sigmaSpacing !== 'training') {
    const range = { largest: sigmas[0]!, smallest: sigmas.at(-1)! };
    sigmas = spacedSigmas(sigmaSpacing, range, steps);
    timesteps = timestepsOfSigmas(sigmas, table).map(fround);
  }
  const last = finalSigmasType === 'zero' ? 0 : table[0]!;
  const largest = fround(sigmas[0]!);
  return {
    timesteps,
    sigmas: Float32Array.from([...sigmas, last]),
    initNoiseSigma: config.timestepSpacing === 'leading' ? scaleAt(largest) : largest,
  };
}

/** The state as the model wants to see it. */
export function scaledAtSigma(sample: Float32Array, sigma: number): Float32Array {
  const scale = scaleAt(sigma);
  return sample.map((x) => x / scale);
}

/** The clean sample that a model's answer means at a state with so much noise; may be the answer itself. */
export function cleanAtSigma(
  { sample, modelOutput }: ModelAnswer,
  type: PredictionType,
  sigma: number,
): Float32Array {
  switch (type) {
    case 'epsilon':
      return weightedSum(1, sample, -sigma, modelOutput);
    case 'sample':
      return modelOutput;
    case 'v_prediction': {
      const weight = fround(-sigma / scaleAt(sigma));
      const divisor = fround(fround(sigma * sigma) + 1);
      return sample.map((x, i) => fround(modelOutput[i]! * weight) + fround(x / divisor));
    }
  }
}

/** sqrt(sigma^2 + 1): deviation of a state whose clean sample has unit variance. */
function scaleAt(sigma: number): number {
  return fround(sqrt(fround(fround(sigma * sigma) + 1)));
}

/** Descending; with linspace, unlike elsewhere, not rounded to whole timesteps. */
function spacedTimesteps(config: SchedulerConfig, steps: number): number[] {
  const ascending =
    config.timestepSpacing === 'linspace'
      ? evenlySpaced(config.trainSteps - 1, steps).map(fround)
      : trainingTimesteps(config, steps);
  return ascending.reverse();
}

/** The table's value between two timesteps, linearly. */
function interpolate(table: Float32Array, time: number): number {
  const below = Math.floor(time);
  const low = table[below]!;
  if (below === time) return low;
  return (table[below + 1]! - low) * (time - below) + low;
}
