// DDIM (arXiv 2010.02502), as diffusers' DDIMScheduler: one step depends on nothing but its input.

import { BivdiffError } from '../../errors.ts';
import { cumulativeAlphas } from '../noise-schedule.ts';
import { clip, predict, thresholdSamples, weightedSum } from '../predicted-sample.ts';
import { readSchedulerConfig, unfitConfig } from '../scheduler-config.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';
import type { Sampler, SamplerState, StepInput } from '../scheduler.ts';
import { STATELESS, checkStepIndex, checkStepInput, drawStepNoise } from '../step-checks.ts';
import { requireStepCount, requireTrained, trainingTimesteps } from '../timesteps.ts';

const { fround, sqrt } = Math;

export interface DdimOptions {
  readonly steps: number;
  /** Share of DDPM's noise that each step adds, 0..1. @default 0 */
  readonly eta?: number;
  /** Computes the noise anew from the clipped sample. @default false */
  readonly useClippedModelOutput?: boolean;
}

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
  readonly #eta: number;
  readonly #useClippedModelOutput: boolean;

  constructor(rawConfig: unknown, options: DdimOptions) {
    this.#config = readSchedulerConfig(rawConfig, 'ddim');
    this.#eta = requireEta(options.eta ?? 0);
    this.#useClippedModelOutput = options.useClippedModelOutput ?? false;
    requireStepCount(options.steps, this.#config.trainSteps);
    this.timesteps = trainingTimesteps(this.#config, options.steps).reverse();
    requireTrained(this.timesteps, this.#config, 'ddim');
    this.#alphas = cumulativeAlphas(this.#config);
    this.#finalAlpha = this.#config.setAlphaToOne ? 1 : this.#alphas[0]!;
    this.#stride = Math.floor(this.#config.trainSteps / options.steps);
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
    // 3. Equation 12: less noise of the same direction, and fresh noise of deviation sigma (equation 16).
    const sigma = fround(fround(this.#eta) * fround(sqrt(varianceBetween(alpha, previousAlpha))));
    const spread = sqrt(Math.max(0, fround(fround(1 - previousAlpha) - fround(sigma * sigma))));
    const next = weightedSum(fround(sqrt(previousAlpha)), clean, fround(spread), noise);
    if (this.#eta === 0) return next;
    return weightedSum(1, next, sigma, drawStepNoise(input));
  }

  addNoise(clean: Float32Array, noise: Float32Array, stepIndex: number): Float32Array {
    checkStepIndex(stepIndex, this.timesteps);
    return noisySample(clean, noise, this.#alphas[this.timesteps[stepIndex]!]!);
  }

  saveState(): SamplerState {
    return STATELESS;
  }

  restoreState(): void {}

  #predict(input: StepInput, alpha: number) {
    const { predictionType, threshold, clipRange } = this.#config;
    const { clean, noise } = predict(input, predictionType, alpha);
    const kept =
      threshold !== null
        ? thresholdSamples(clean, input.batch, threshold)
        : clipRange !== null
          ? clip(clean, clipRange)
          : clean;
    if (!this.#useClippedModelOutput) return { clean: kept, noise };
    const { sample } = input;
    return predict({ sample, modelOutput: kept }, 'sample', alpha);
  }
}

/** Equation 16 with eta 1, squared: the variance of DDPM's step from one level to a cleaner one. */
export function varianceBetween(alpha: number, previousAlpha: number): number {
  const shares = fround(fround(1 - previousAlpha) / fround(1 - alpha));
  return fround(shares * fround(1 - fround(alpha / previousAlpha)));
}

/** Equation 4: clean and noise at the level `alpha`. */
export function noisySample(clean: Float32Array, noise: Float32Array, alpha: number): Float32Array {
  return weightedSum(fround(sqrt(alpha)), clean, fround(sqrt(fround(1 - alpha))), noise);
}

function requireEta(eta: number): number {
  if (eta >= 0 && eta <= 1) return eta;
  throw new BivdiffError('invalid-argument', `eta ${eta} is outside 0..1`, {
    hint: 'Give 0 for DDIM without fresh noise, 1 for as much as DDPM adds.',
    details: { eta },
  });
}

/** A state without signal does not say, together with its noise, what the clean sample is. */
function requireSignal(alpha: number, { predictionType }: SchedulerConfig): void {
  if (alpha > 0 || predictionType !== 'epsilon') return;
  throw unfitConfig('ddim', [
    'prediction_type: epsilon cannot begin at zero terminal SNR; it needs v_prediction or sample',
  ]);
}
