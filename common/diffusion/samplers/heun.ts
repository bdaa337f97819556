// Heun's method (arXiv 2206.00364, algorithm 1), as diffusers' HeunDiscreteScheduler: each step but the last asks the model at both of its
// ends, and goes along the mean of both slopes. n steps are 2n - 1 model calls. The state grows with the noise: it is clean + sigma * noise.

import assert from 'node:assert/strict';

import { clip } from '../predicted-sample.ts';
import { readSchedulerConfig } from '../scheduler-config.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';
import type { Sampler, SamplerOptions, SamplerState, StepInput } from '../scheduler.ts';
import { STATELESS, checkStepIndex, checkStepInput } from '../step-checks.ts';
import { requireStepCount } from '../timesteps.ts';
import { cleanAtSigma, eulerSchedule, scaledAtSigma } from './euler-schedule.ts';

const { fround } = Math;

/** Where a step began that is half done. */
interface StepStart {
  readonly sample: Float32Array;
  /** d state / d sigma there. */
  readonly slope: Float32Array;
}

/**
 * @throws invalid-argument — the config has values that the sampler cannot honour, or the steps do not fit it
 */
export class HeunSampler implements Sampler {
  readonly timesteps: readonly number[];
  readonly initNoiseSigma: number;
  readonly #config: SchedulerConfig;
  /** Of each level, visited twice but for the first; and 0 after the last. */
  readonly #sigmas: Float32Array;
  #start: StepStart | undefined;

  constructor(rawConfig: unknown, options: SamplerOptions) {
    this.#config = readSchedulerConfig(rawConfig, 'heun');
    requireStepCount(options.steps, this.#config.trainSteps);
    const { timesteps, sigmas, initNoiseSigma } = eulerSchedule(this.#config, options, 'heun');
    // The end of a step is the beginning of the next.
    this.timesteps = timesteps.flatMap((time, i) => (i === 0 ? [time] : [time, time]));
    this.#sigmas = sigmas;
    this.initNoiseSigma = initNoiseSigma;
  }

  scaleModelInput(sample: Float32Array, stepIndex: number): Float32Array {
    checkStepIndex(stepIndex, this.timesteps);
    return scaledAtSigma(sample, this.#sigmas[Math.ceil(stepIndex / 2)]!);
  }

  step(input: StepInput): Float32Array {
    checkStepInput(input, this.timesteps);
    return input.stepIndex % 2 === 0 ? this.#toTheEnd(input) : this.#withBothSlopes(input);
  }

  saveState(): SamplerState {
    if (this.#start === undefined) return STATELESS;
    const { sample, slope } = this.#start;
    return { nextStep: null, history: { 'start-sample': sample, 'start-slope': slope } };
  }

  restoreState({ history }: SamplerState): void {
    const { 'start-sample': sample, 'start-slope': slope } = history;
    this.#start =
      sample === undefined || slope === undefined
        ? undefined
        : { sample: sample.slice(), slope: slope.slice() };
  }

  /** An Euler step. */
  #toTheEnd(input: StepInput): Float32Array {
    const { sample } = input;
    const level = input.stepIndex / 2;
    const slope = this.#slopeAt(input, this.#sigmas[level]!);
    const isLast = input.stepIndex === this.timesteps.length - 1;
    this.#start = isLast ? undefined : { sample: sample.slice(), slope };
    return this.#along(sample, slope, level);
  }

  /** The same step again, now that the slope at its end is known. */
  #withBothSlopes(input: StepInput): Float32Array {
    assert(this.#start, 'Heun takes the halves of a step in order');
    const { sample, slope } = this.#start;
    const level = (input.stepIndex - 1) / 2;
    const endSlope = this.#slopeAt(input, this.#sigmas[level + 1]!);
    this.#start = undefined;
    const mean = slope.map((value, i) => fround(value + endSlope[i]!) / 2);
    return this.#along(sample, mean, level);
  }

  #slopeAt(input: StepInput, sigma: number): Float32Array {
    const { predictionType, clipRange } = this.#config;
    const predicted = cleanAtSigma(input, predictionType, sigma);
    const clean = clipRange === null ? predicted : clip(predicted, clipRange);
    return input.sample.map((x, i) => fround(x - clean[i]!) / sigma);
  }

  #along(sample: Float32Array, slope: Float32Array, level: number): Float32Array {
    const change = fround(this.#sigmas[level + 1]! - this.#sigmas[level]!);
    return sample.map((x, i) => x + fround(slope[i]! * change));
  }
}
