// DEIS in its multi-step form, orders 1 to 3, with polynomials in the logarithm of rho (arXiv 2204.13902, log rho AB), as diffusers'
// DEISMultistepScheduler. It keeps as many predicted noises as its order.

import { predictClean, thresholdSamples } from '../predicted-sample.ts';
import { readSchedulerConfig } from '../scheduler-config.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';
import type { Sampler, SamplerOptions, SamplerState, StepInput } from '../scheduler.ts';
import { checkStepIndex, checkStepInput } from '../step-checks.ts';
import { requireStepCount } from '../timesteps.ts';
import { combineNoise } from './deis-update.ts';
import { dpmSchedule } from './dpm-schedule.ts';
import { noiseLevel } from './dpm-update.ts';
import type { NoiseLevel } from './dpm-update.ts';
import { PredictionHistory, orderWithLeft } from './prediction-history.ts';

const { fround } = Math;

/**
 * @throws invalid-argument — the config has values that the solver cannot honour, or the steps do not fit it
 */
export class DeisSampler implements Sampler {
  readonly timesteps: readonly number[];
  readonly initNoiseSigma = 1;
  readonly #config: SchedulerConfig;
  /** Of the state before each step, and after the last. */
  readonly #levels: readonly NoiseLevel[];
  readonly #history: PredictionHistory;

  constructor(rawConfig: unknown, options: SamplerOptions) {
    this.#config = readSchedulerConfig(rawConfig, 'deis');
    requireStepCount(options.steps, this.#config.trainSteps);
    const { timesteps, sigmas } = dpmSchedule(this.#config, options, 'deis');
    this.timesteps = timesteps;
    this.#levels = Array.from(sigmas, noiseLevel);
    this.#history = new PredictionHistory(this.#config.solver.order);
  }

  scaleModelInput(sample: Float32Array, stepIndex: number): Float32Array {
    checkStepIndex(stepIndex, this.timesteps);
    return sample;
  }

  step(input: StepInput): Float32Array {
    checkStepInput(input, this.timesteps);
    const { stepIndex, sample } = input;
    this.#history.add(this.#predictNoise(input), stepIndex);
    const { length } = this.timesteps;
    const order = orderWithLeft(length - stepIndex, length, this.#config.solver);
    const predictions = this.#history.predictions.slice(-order);
    const levels = this.#levels.slice(stepIndex + 1 - predictions.length, stepIndex + 2);
    return combineNoise(sample, { predictions, levels });
  }

  saveState(): SamplerState {
    return this.#history.saveState();
  }

  restoreState(state: SamplerState): void {
    this.#history.restoreState(state);
  }

  #predictNoise(input: StepInput): Float32Array {
    const { predictionType, threshold } = this.#config;
    const level = this.#levels[input.stepIndex]!;
    const predicted = predictClean(input, predictionType, level);
    const clean =
      threshold === null ? predicted : thresholdSamples(predicted, input.batch, threshold);
    return input.sample.map((x, i) => fround(x - fround(level.alpha * clean[i]!)) / level.spread);
  }
}
