// DPM-Solver++ in its multi-step form, orders 1 to 3 (arXiv 2211.01095), as diffusers' DPMSolverMultistepScheduler with
// algorithm_type dpmsolver++. It keeps as many predicted clean samples as its order.

import assert from 'node:assert/strict';

import { dpmSchedule } from './dpm-schedule.ts';
import { combineClean, noiseLevel } from './dpm-update.ts';
import type { NoiseLevel } from './dpm-update.ts';
import { predictClean, thresholdSamples } from '../predicted-sample.ts';
import { readSchedulerConfig } from '../scheduler-config.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';
import type { Sampler, SamplerState, StepInput } from '../scheduler.ts';
import { checkStepIndex, checkStepInput } from '../step-checks.ts';
import { requireStepCount } from '../timesteps.ts';

/** With fewer steps than this, lower_order_final holds (diffusers, step). */
const FEW_STEPS = 15;

/**
 * @throws invalid-argument — the config has values that the solver cannot honour, or the steps do not fit it
 */
export class DpmSolverMultistepSampler implements Sampler {
  readonly timesteps: readonly number[];
  readonly initNoiseSigma = 1;
  readonly #config: SchedulerConfig;
  /** Of the state before each step, and after the last. */
  readonly #levels: readonly NoiseLevel[];

  #nextStep: number | null = null;
  /** Predicted clean samples, newest last; at most as many as the order. */
  #predictions: readonly Float32Array[] = [];

  constructor(rawConfig: unknown, { steps }: { readonly steps: number }) {
    this.#config = readSchedulerConfig(rawConfig, 'dpm-solver++');
    requireStepCount(steps, this.#config.trainSteps);
    const { timesteps, sigmas } = dpmSchedule(this.#config, steps);
    this.timesteps = timesteps;
    this.#levels = Array.from(sigmas, noiseLevel);
  }

  scaleModelInput(sample: Float32Array, stepIndex: number): Float32Array {
    checkStepIndex(stepIndex, this.timesteps);
    return sample;
  }

  step(input: StepInput): Float32Array {
    checkStepInput(input, this.timesteps);
    const { stepIndex, sample } = input;
    assert.equal(stepIndex, this.#nextStep ?? stepIndex, 'DPM-Solver++ takes its steps in order');
    const { order, type } = this.#config.solver;
    this.#predictions = [...this.#predictions, this.#predictClean(input)].slice(-order);
    this.#nextStep = stepIndex + 1;
    const usable = Math.min(this.#predictions.length, this.#orderAt(stepIndex));
    const predictions = this.#predictions.slice(-usable);
    const levels = this.#levels.slice(stepIndex + 1 - usable, stepIndex + 2);
    return combineClean(sample, { predictions, levels, type });
  }

  saveState(): SamplerState {
    const named = this.#predictions.map(
      (values, i) => [`prediction-${i}`, values.slice()] as const,
    );
    return { nextStep: this.#nextStep, history: Object.fromEntries(named) };
  }

  restoreState({ nextStep, history }: SamplerState): void {
    this.#nextStep = nextStep;
    this.#predictions = Array.from(
      { length: this.#config.solver.order },
      (_, i) => history[`prediction-${i}`],
    )
      .filter((values) => values !== undefined)
      .map((values) => values.slice());
  }

  #predictClean(input: StepInput): Float32Array {
    const { predictionType, threshold } = this.#config;
    const clean = predictClean(input, predictionType, this.#levels[input.stepIndex]!);
    return threshold === null ? clean.slice() : thresholdSamples(clean, input.batch, threshold);
  }

  /** The last steps may have to be of lower order, for stability; a last step to no noise at all is of the first. */
  #orderAt(stepIndex: number): number {
    const { order, lowerOrderFinal, eulerAtFinal, finalSigmasType } = this.#config.solver;
    const left = this.timesteps.length - stepIndex;
    const lowers = lowerOrderFinal && this.timesteps.length < FEW_STEPS;
    if (left === 1 && (eulerAtFinal || lowers || finalSigmasType === 'zero')) return 1;
    return left === 2 && lowers ? Math.min(order, 2) : order;
  }
}
