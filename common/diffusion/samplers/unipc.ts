// UniPC, orders 1 to 3 (arXiv 2302.04867), as diffusers' UniPCMultistepScheduler with predict_x0: a multi-step predictor, and a corrector
// that goes back over the last step once the model has seen where it led. It asks the model once a step, and keeps as many predicted clean
// samples as its order, and the state before the last step.

import { predictClean, thresholdSamples } from '../predicted-sample.ts';
import { readSchedulerConfig } from '../scheduler-config.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';
import type { Sampler, SamplerOptions, SamplerState, StepInput } from '../scheduler.ts';
import { checkStepIndex, checkStepInput } from '../step-checks.ts';
import { requireStepCount } from '../timesteps.ts';
import { dpmSchedule } from './dpm-schedule.ts';
import { noiseLevel } from './dpm-update.ts';
import type { NoiseLevel } from './dpm-update.ts';
import { PredictionHistory } from './prediction-history.ts';
import { correctState, predictState } from './unipc-update.ts';

const LAST_SAMPLE = 'last-sample';

/**
 * @throws invalid-argument — the config has values that the solver cannot honour, or the steps do not fit it
 */
export class UniPcSampler implements Sampler {
  readonly timesteps: readonly number[];
  readonly initNoiseSigma = 1;
  readonly #config: SchedulerConfig;
  /** Of the state before each step, and after the last. */
  readonly #levels: readonly NoiseLevel[];
  readonly #history: PredictionHistory;
  /** The state that the last step went on from, corrected. */
  #lastSample: Float32Array | undefined;

  constructor(rawConfig: unknown, options: SamplerOptions) {
    this.#config = readSchedulerConfig(rawConfig, 'unipc');
    requireStepCount(options.steps, this.#config.trainSteps);
    const { timesteps, sigmas } = dpmSchedule(this.#config, options, 'unipc');
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
    const { stepIndex } = input;
    const { type } = this.#config.solver;
    const clean = this.#predictClean(input);
    const sample = this.#corrected(input, clean);
    this.#history.add(clean, stepIndex);
    this.#lastSample = sample.slice();
    const predictions = this.#history.predictions.slice(-this.#orderAt(stepIndex));
    const levels = this.#levels.slice(stepIndex + 1 - predictions.length, stepIndex + 2);
    return predictState(sample, { predictions, levels, type });
  }

  saveState(): SamplerState {
    const { nextStep, history } = this.#history.saveState();
    const last = this.#lastSample && { [LAST_SAMPLE]: this.#lastSample.slice() };
    return { nextStep, history: { ...history, ...last } };
  }

  restoreState(state: SamplerState): void {
    this.#history.restoreState(state);
    this.#lastSample = state.history[LAST_SAMPLE]?.slice();
  }

  /** The state before this step, from the one before the last by what the model has seen since. */
  #corrected({ sample, stepIndex }: StepInput, clean: Float32Array): Float32Array {
    const { type, uncorrectedSteps } = this.#config.solver;
    const last = stepIndex - 1;
    if (this.#lastSample === undefined || uncorrectedSteps.includes(last)) return sample;
    const predictions = this.#history.predictions.slice(-this.#orderAt(last));
    const levels = this.#levels.slice(stepIndex - predictions.length, stepIndex + 1);
    return correctState(this.#lastSample, { predictions, levels, type }, clean);
  }

  #predictClean(input: StepInput): Float32Array {
    const { predictionType, threshold } = this.#config;
    const clean = predictClean(input, predictionType, this.#levels[input.stepIndex]!);
    return threshold === null ? clean.slice() : thresholdSamples(clean, input.batch, threshold);
  }

  /** The last steps are of lower order, for stability. */
  #orderAt(stepIndex: number): number {
    const { order, lowerOrderFinal } = this.#config.solver;
    return lowerOrderFinal ? Math.min(order, this.timesteps.length - stepIndex) : order;
  }
}
