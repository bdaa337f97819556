// DPM-Solver++ in its multi-step form, orders 1 to 3 (arXiv 2211.01095), as diffusers' DPMSolverMultistepScheduler with
// algorithm_type dpmsolver++. It keeps as many predicted clean samples as its order.

import { dpmSchedule } from './dpm-schedule.ts';
import { combineClean, noiseLevel } from './dpm-update.ts';
import type { NoiseLevel } from './dpm-update.ts';
import { predictClean, thresholdSamples } from '../predicted-sample.ts';
import { readSchedulerConfig } from '../scheduler-config.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';
import type { Sampler, SamplerOptions, SamplerState, StepInput } from '../scheduler.ts';
import { checkStepIndex, checkStepInput } from '../step-checks.ts';
import { requireStepCount } from '../timesteps.ts';
import { PredictionHistory, orderWithLeft } from './prediction-history.ts';

/**
 * @throws invalid-argument — the config has values that the solver cannot honour, or the steps do not fit it
 */
export class DpmSolverMultistepSampler implements Sampler {
  readonly timesteps: readonly number[];
  readonly initNoiseSigma = 1;
  readonly #config: SchedulerConfig;
  /** Of the state before each step, and after the last. */
  readonly #levels: readonly NoiseLevel[];
  /** Of predicted clean samples. */
  readonly #history: PredictionHistory;

  constructor(rawConfig: unknown, options: SamplerOptions) {
    this.#config = readSchedulerConfig(rawConfig, 'dpm-solver++');
    requireStepCount(options.steps, this.#config.trainSteps);
    const { timesteps, sigmas } = dpmSchedule(this.#config, options);
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
    const { type } = this.#config.solver;
    this.#history.add(this.#predictClean(input), stepIndex);
    const predictions = this.#history.predictions.slice(-this.#orderAt(stepIndex));
    const levels = this.#levels.slice(stepIndex + 1 - predictions.length, stepIndex + 2);
    return combineClean(sample, { predictions, levels, type });
  }

  saveState(): SamplerState {
    return this.#history.saveState();
  }

  restoreState(state: SamplerState): void {
    this.#history.restoreState(state);
  }

  #predictClean(input: StepInput): Float32Array {
    const { predictionType, threshold } = this.#config;
    const clean = predictClean(input, predictionType, this.#levels[input.stepIndex]!);
    return threshold === null ? clean.slice() : thresholdSamples(clean, input.batch, threshold);
  }

  /** The last steps may have to be of lower order, for stability; a last step to no noise at all is of the first. */
  #orderAt(stepIndex: number): number {
    const { eulerAtFinal, finalSigmasType } = this.#config.solver;
    const left = this.timesteps.length - stepIndex;
    if (left === 1 && (eulerAtFinal || finalSigmasType === 'zero')) return 1;
    return orderWithLeft(left, this.timesteps.length, this.#config.solver);
  }
}
