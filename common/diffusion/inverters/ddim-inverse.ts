// DDIM run backwards, as diffusers' DDIMInverseScheduler: with the same model outputs it undoes DDIM's steps exactly, up to
// rounding. The model is asked at the level that the step leads to. Timesteps are DDIM's of the same config, backwards: with linspace too,
// which diffusers' class refuses. There DDIM's levels do not meet (each step goes down by one stride, whatever the next timestep is), and each
// is undone by itself.

import { cumulativeAlphas } from '../noise-schedule.ts';
import { clip, predict, weightedSum } from '../predicted-sample.ts';
import { readSchedulerConfig, unfitConfig } from '../scheduler-config.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';
import type { Inverter, SamplerState, StepInput } from '../scheduler.ts';
import { STATELESS, checkStepIndex, checkStepInput } from '../step-checks.ts';
import { requireStepCount, requireTrained, trainingTimesteps } from '../timesteps.ts';

const { fround, sqrt } = Math;

/**
 * @throws invalid-argument — the config has values that the inversion cannot honour, or the steps do not fit it
 */
export class DdimInverter implements Inverter {
  readonly timesteps: readonly number[];
  readonly #config: SchedulerConfig;
  readonly #alphas: Float32Array;
  readonly #initialAlpha: number;
  readonly #stride: number;

  constructor(rawConfig: unknown, { steps }: { readonly steps: number }) {
    this.#config = readSchedulerConfig(rawConfig, 'ddim-inverse');
    requireStepCount(steps, this.#config.trainSteps);
    this.timesteps = trainingTimesteps(this.#config, steps);
    requireTrained(this.timesteps, this.#config, { algorithm: 'ddim-inverse', steps });
    this.#alphas = cumulativeAlphas(this.#config);
    this.#initialAlpha = this.#config.setAlphaToOne ? 1 : this.#alphas[0]!;
    this.#stride = Math.floor(this.#config.trainSteps / steps);
    requireSpread(this.#levelBefore(0), this.#config);
  }

  scaleModelInput(sample: Float32Array, stepIndex: number): Float32Array {
    checkStepIndex(stepIndex, this.timesteps);
    return sample;
  }

  step(input: StepInput): Float32Array {
    checkStepInput(input, this.timesteps);
    const { predictionType, clipRange } = this.#config;
    const { clean, noise } = predict(input, predictionType, this.#levelBefore(input.stepIndex));
    const kept = clipRange === null ? clean : clip(clean, clipRange);
    const alpha = this.#alphas[this.timesteps[input.stepIndex]!]!;
    return weightedSum(fround(sqrt(alpha)), kept, fround(sqrt(fround(1 - alpha))), noise);
  }

  saveState(): SamplerState {
    return STATELESS;
  }

  restoreState(): void {}

  /** abar of the state before the step: one stride below the timestep that the model is called with. */
  #levelBefore(stepIndex: number): number {
    const level = this.timesteps[stepIndex]! - this.#stride;
    return level >= 0 ? this.#alphas[level]! : this.#initialAlpha;
  }
}

/** A state without noise does not say, together with the clean sample, what the noise is. */
function requireSpread(alpha: number, { predictionType }: SchedulerConfig): void {
  if (alpha < 1 || predictionType !== 'sample') return;
  throw unfitConfig('ddim-inverse', [
    'prediction_type: sample cannot begin at a state without noise; set set_alpha_to_one to false',
  ]);
}
