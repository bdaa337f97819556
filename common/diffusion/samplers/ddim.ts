// DDIM (arXiv 2010.02502), as diffusers' DDIMScheduler with eta 0: one step depends on nothing but its input, and draws nothing.

import { cumulativeAlphas } from '../noise-schedule.ts';
import { clip, predict, thresholdSamples, weightedSum } from '../predicted-sample.ts';
import { readSchedulerConfig, unfitConfig } from '../scheduler-config.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';
import type { Sampler, SamplerState, StepInput } from '../scheduler.ts';
import { STATELESS, checkStepIndex, checkStepInput } from '../step-checks.ts';
import { requireStepCount, requireTrained, trainingTimesteps } from '../timesteps.ts';

const { fround, sqrt } = Math;

/**
 * @throws invalid-argument — the config has values that DDIM cannot honour, or the steps do not fit it
 */
export class DdimSampler implements Sampler {
  readonly timesteps: readonly number[];
  readonly initNoiseSigma = 1;
  readonly #config: SchedulerConfig;
  readonly #alphas: Float32Array;
  readonly #finalAlpha: number;
  /** Timesteps from one level to the next, whatever the spacing. */
  readonly #stride: number;

  constructor(rawConfig: unknown, { steps }: { readonly steps: number }) {
    this.#config = readSchedulerConfig(rawConfig, 'ddim');
    requireStepCount(steps, this.#config.trainSteps);
    this.timesteps = trainingTimesteps(this.#config, steps).reverse();
    requireTrained(this.timesteps, this.#config, { algorithm: 'ddim', steps });
    this.#alphas = cumulativeAlphas(this.#config);
    this.#finalAlpha = this.#config.setAlphaToOne ? 1 : this.#alphas[0]!;
    this.#stride = Math.floor(this.#config.trainSteps / steps);
    requireSignal(this.#alphas[this.timesteps[0]!]!, this.#config);
  }

  scaleModelInput(sample: Float32Array, stepIndex: number): Float32Array {
    checkStepIndex(stepIndex, this.timesteps);
    return sample;
  }

  step(input: StepInput): Float32Array {
    checkStepInput(input, this.timesteps);
    // 1. Levels of the state before and after.
    const time = this.timesteps[input.stepIndex]!;
    const alpha = this.#alphas[time]!;
    const previous = time - this.#stride;
    const previousAlpha = previous >= 0 ? this.#alphas[previous]! : this.#finalAlpha;
    // 2. What the state is made of, the clean part kept in range.
    const { clean, noise } = this.#predict(input, alpha);
    // 3. Equation 12: less noise of the same direction.
    const spread = fround(sqrt(fround(1 - previousAlpha)));
    return weightedSum(fround(sqrt(previousAlpha)), input.clean ?? clean, spread, noise);
  }

  /** x0: what the step, told of no other, goes on from. */
  predictClean(input: StepInput): Float32Array {
    checkStepInput(input, this.timesteps);
    return this.#predict(input, this.#alphas[this.timesteps[input.stepIndex]!]!).clean;
  }

  saveState(): SamplerState {
    return STATELESS;
  }

  restoreState(): void {}

  #predict(input: StepInput, alpha: number) {
    const { predictionType, threshold, clipRange } = this.#config;
    const { clean, noise } = predict(input, predictionType, alpha);
    if (threshold !== null) {
      return { clean: thresholdSamples(clean, input.batch, threshold), noise };
    }
    return { clean: clipRange === null ? clean : clip(clean, clipRange), noise };
  }
}

/** A state without signal does not say, together with its noise, what the clean sample is. */
function requireSignal(alpha: number, { predictionType }: SchedulerConfig): void {
  if (alpha > 0 || predictionType !== 'epsilon') return;
  throw unfitConfig('ddim', [
    'prediction_type: epsilon cannot begin at zero terminal SNR; it needs v_prediction or sample',
  ]);
}
