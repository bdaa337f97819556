// Euler steps with fresh noise at each (ancestral sampling, k-diffusion's sample_euler_ancestral), as diffusers'
// EulerAncestralDiscreteScheduler. The state grows with the noise: it is clean + sigma * noise.

import { positiveCumulativeAlphas, sigmasFromAlphas } from '../noise-schedule.ts';
import { weightedSum } from '../predicted-sample.ts';
import { readSchedulerConfig } from '../scheduler-config.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';
import type { Sampler, SamplerState, StepInput } from '../scheduler.ts';
import { STATELESS, checkStepIndex, checkStepInput, drawStepNoise } from '../step-checks.ts';
import { evenlySpaced, requireStepCount, requireTrained, trainingTimesteps } from '../timesteps.ts';

const { fround, sqrt } = Math;

/**
 * @throws invalid-argument — the config has values that the sampler cannot honour, or the steps do not fit it
 */
export class EulerAncestralSampler implements Sampler {
  readonly timesteps: readonly number[];
  readonly initNoiseSigma: number;
  readonly #config: SchedulerConfig;
  /** Of each timestep, and 0 after the last. */
  readonly #sigmas: Float32Array;

  constructor(rawConfig: unknown, { steps }: { readonly steps: number }) {
    const config = readSchedulerConfig(rawConfig, 'euler-ancestral');
    requireStepCount(steps, config.trainSteps);
    this.#config = config;
    this.timesteps = eulerTimesteps(config, steps);
    requireTrained(this.timesteps, config, { algorithm: 'euler-ancestral', steps });
    const table = sigmasFromAlphas(positiveCumulativeAlphas(config));
    this.#sigmas = Float32Array.from([
      ...this.timesteps.map((time) => interpolate(table, time)),
      0,
    ]);
    const largest = this.#sigmas[0]!;
    this.initNoiseSigma = config.timestepSpacing === 'leading' ? scaleAt(largest) : largest;
  }

  scaleModelInput(sample: Float32Array, stepIndex: number): Float32Array {
    checkStepIndex(stepIndex, this.timesteps);
    const scale = scaleAt(this.#sigmas[stepIndex]!);
    return sample.map((x) => x / scale);
  }

  step(input: StepInput): Float32Array {
    checkStepInput(input, this.timesteps);
    const { sample, stepIndex } = input;
    const sigma = this.#sigmas[stepIndex]!;
    const clean = this.#predictClean(input, sigma);
    // 1. Of the next level, as much comes from fresh noise (up) as DDPM would add; the step leads to the rest (down).
    const next = this.#sigmas[stepIndex + 1]!;
    const [variance, nextVariance] = [fround(sigma * sigma), fround(next * next)];
    const upVariance = fround(nextVariance * fround(variance - nextVariance)) / variance;
    const up = fround(sqrt(fround(upVariance)));
    const down = fround(sqrt(Math.max(0, fround(nextVariance - fround(up * up)))));
    // 2. An Euler step along dx / dsigma.
    const change = fround(down - sigma);
    const moved = sample.map((x, i) => x + fround(fround(fround(x - clean[i]!) / sigma) * change));
    return up === 0 ? moved : weightedSum(1, moved, up, drawStepNoise(input));
  }

  saveState(): SamplerState {
    return STATELESS;
  }

  restoreState(): void {}

  #predictClean({ sample, modelOutput }: StepInput, sigma: number): Float32Array {
    if (this.#config.predictionType === 'epsilon')
      return weightedSum(1, sample, -sigma, modelOutput);
    const weight = fround(-sigma / scaleAt(sigma));
    const divisor = fround(fround(sigma * sigma) + 1);
    return sample.map((x, i) => fround(modelOutput[i]! * weight) + fround(x / divisor));
  }
}

/** sqrt(sigma^2 + 1): deviation of a state whose clean sample has unit variance. */
function scaleAt(sigma: number): number {
  return fround(sqrt(fround(fround(sigma * sigma) + 1)));
}

/** Descending; with linspace, unlike elsewhere, not rounded to whole timesteps. */
function eulerTimesteps(config: SchedulerConfig, steps: number): number[] {
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
