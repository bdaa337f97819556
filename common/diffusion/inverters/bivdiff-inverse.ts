// BIVDiff's own inversion step (its models/scheduling_ddim.py:376-464, commit 9431e46). The state counts as being at the level
// of the model's timestep already, the clean one too, and the last step leads to T - 2: it does not undo DDIM's steps.

import { cumulativeAlphas } from '../noise-schedule.ts';
import { predict, weightedSum } from '../predicted-sample.ts';
import { readSchedulerConfig } from '../scheduler-config.ts';
import type { Inverter, SamplerState, StepInput } from '../scheduler.ts';
import { STATELESS, checkStepIndex, checkStepInput } from '../step-checks.ts';
import { requireStepCount, requireTrained, trainingTimesteps } from '../timesteps.ts';

const { fround, sqrt } = Math;

/**
 * @throws invalid-argument — the config has values that the official code has no notion of, or the steps do not fit it
 */
export class BivdiffInverter implements Inverter {
  readonly timesteps: readonly number[];
  readonly #alphas: Float32Array;
  readonly #stride: number;

  constructor(rawConfig: unknown, { steps }: { readonly steps: number }) {
    const config = readSchedulerConfig(rawConfig, 'bivdiff-inverse');
    requireStepCount(steps, config.trainSteps);
    this.timesteps = trainingTimesteps(config, steps);
    requireTrained(this.timesteps, config, { algorithm: 'bivdiff-inverse', steps });
    this.#alphas = cumulativeAlphas(config);
    this.#stride = Math.floor(config.trainSteps / steps);
  }

  scaleModelInput(sample: Float32Array, stepIndex: number): Float32Array {
    checkStepIndex(stepIndex, this.timesteps);
    return sample;
  }

  step(input: StepInput): Float32Array {
    checkStepInput(input, this.timesteps);
    const time = this.timesteps[input.stepIndex]!;
    const next = Math.min(this.#alphas.length - 2, time + this.#stride);
    const { clean, noise } = predict(input, 'epsilon', this.#alphas[time]!);
    const alpha = this.#alphas[next]!;
    return weightedSum(fround(sqrt(alpha)), clean, fround(sqrt(fround(1 - alpha))), noise);
  }

  saveState(): SamplerState {
    return STATELESS;
  }

  restoreState(): void {}
}
