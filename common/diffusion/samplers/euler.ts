// Euler steps from one noise level to the next (arXiv 2206.00364, algorithm 1 without its second order), as diffusers'
// EulerDiscreteScheduler without churn: it draws nothing. The state grows with the noise: it is clean + sigma * noise.

import { readSchedulerConfig } from '../scheduler-config.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';
import type { Sampler, SamplerOptions, SamplerState, StepInput } from '../scheduler.ts';
import { STATELESS, checkStepIndex, checkStepInput } from '../step-checks.ts';
import { requireStepCount } from '../timesteps.ts';
import { cleanAtSigma, eulerSchedule, scaledAtSigma } from './euler-schedule.ts';

const { fround } = Math;

/**
 * @throws invalid-argument — the config has values that the sampler cannot honour, or the steps do not fit it
 */
export class EulerSampler implements Sampler {
  readonly timesteps: readonly number[];
  readonly initNoiseSigma: number;
  readonly #config: SchedulerConfig;
  /** Of each timestep, and the last to reach. */
  readonly #sigmas: Float32Array;

  constructor(rawConfig: unknown, options: SamplerOptions) {
    this.#config = readSchedulerConfig(rawConfig, 'euler');
    requireStepCount(options.steps, this.#config.trainSteps);
    const schedule = eulerSchedule(this.#config, options, 'euler');
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
    const change = fround(this.#sigmas[stepIndex + 1]! - sigma);
    return sample.map((x, i) => x + fround(fround(fround(x - clean[i]!) / sigma) * change));
  }

  saveState(): SamplerState {
    return STATELESS;
  }

  restoreState(): void {}
}
