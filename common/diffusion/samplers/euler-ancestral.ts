// Euler steps with fresh noise at each (ancestral sampling, k-diffusion's sample_euler_ancestral), as diffusers'
// EulerAncestralDiscreteScheduler. The state grows with the noise: it is clean + sigma * noise.

import { weightedSum } from '../predicted-sample.ts';
import { readSchedulerConfig } from '../scheduler-config.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';
import type { Sampler, SamplerOptions, SamplerState, StepInput } from '../scheduler.ts';
import { STATELESS, checkStepIndex, checkStepInput, drawStepNoise } from '../step-checks.ts';
import { requireStepCount } from '../timesteps.ts';
import { cleanAtSigma, eulerSchedule, scaledAtSigma } from './euler-schedule.ts';

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

  constructor(rawConfig: unknown, options: SamplerOptions) {
    const config = readSchedulerConfig(rawConfig, 'euler-ancestral');
    requireStepCount(options.steps, config.trainSteps);
    this.#config = config;
    const schedule = eulerSchedule(config, options, 'euler-ancestral');
    this.timesteps = schedule.timesteps;
    this.#sigmas = schedule.sigmas;
    this.initNoiseSigma = schedule.initNoiseSigma;
  }

  scaleModelInput(sample: Float32Array, stepIndex: number): Float32Array {
    checkStepIndex(stepIndex, this.timesteps);
    return scaledAtSigma(sample, this.#sigmas[stepIndex]!);
  }

  step(input: StepInput): Float32Array {
    checkStepInput(input, this.timesteps);
    const { sample, stepIndex } = input;
    const sigma = this.#sigmas[stepIndex]!;
    const clean = cleanAtSigma(input, this.#config.predictionType, sigma);
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
}
