// Steps of a latent consistency model (arXiv 2310.04378, algorithm 3), as diffusers' LCMScheduler: each predicts the clean sample at once and,
// but for the last, adds fresh noise to it for the next.

import { cumulativeAlphas } from '../noise-schedule.ts';
import { clip, predictClean, thresholdSamples, weightedSum } from '../predicted-sample.ts';
import { readSchedulerConfig, unfitConfig, unfitSteps } from '../scheduler-config.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';
import type { Sampler, SamplerOptions, SamplerState, StepInput } from '../scheduler.ts';
import { STATELESS, checkStepIndex, checkStepInput, drawStepNoise } from '../step-checks.ts';
import { requireStepCount } from '../timesteps.ts';

const { fround, sqrt } = Math;

/** Deviation that the model takes clean samples to have, squared. */
const DATA_VARIANCE = 0.25;

/**
 * @throws invalid-argument — the config has values that the sampler cannot honour, or the steps do not fit it
 */
export class LcmSampler implements Sampler {
  readonly timesteps: readonly number[];
  readonly initNoiseSigma = 1;
  readonly #config: SchedulerConfig;
  readonly #alphas: Float32Array;

  constructor(rawConfig: unknown, { steps, timesteps }: SamplerOptions) {
    this.#config = readSchedulerConfig(rawConfig, 'lcm');
    requireStepCount(steps, this.#config.trainSteps);
    this.timesteps = timesteps ?? distilledTimesteps(this.#config, steps);
    this.#alphas = cumulativeAlphas(this.#config);
    requireSignal(this.#alphas[this.timesteps[0]!]!, this.#config);
  }

  scaleModelInput(sample: Float32Array, stepIndex: number): Float32Array {
    checkStepIndex(stepIndex, this.timesteps);
    return sample;
  }

  step(input: StepInput): Float32Array {
    checkStepInput(input, this.timesteps);
    const { sample, stepIndex } = input;
    const time = this.timesteps[stepIndex]!;
    const clean = this.#predictClean(input, this.#alphas[time]!);
    // The consistency function: at the timestep 0 it would be the state itself (arXiv 2303.01469, equation 5).
    const scaled = fround(time * this.#config.consistency.timestepScaling);
    const sum = fround(fround(scaled * scaled) + DATA_VARIANCE);
    const denoised = weightedSum(
      fround(scaled / fround(sqrt(sum))),
      clean,
      fround(DATA_VARIANCE / sum),
      sample,
    );
    const next = this.timesteps[stepIndex + 1];
    if (next === undefined) return denoised;
    const alpha = this.#alphas[next]!;
    const spread = fround(sqrt(fround(1 - alpha)));
    return weightedSum(fround(sqrt(alpha)), denoised, spread, drawStepNoise(input));
  }

  saveState(): SamplerState {
    return STATELESS;
  }

  restoreState(): void {}

  #predictClean(input: StepInput, alpha: number): Float32Array {
    const { predictionType, threshold, clipRange } = this.#config;
    const level = { alpha: fround(sqrt(alpha)), spread: fround(sqrt(fround(1 - alpha))) };
    const clean = predictClean(input, predictionType, level);
    if (threshold !== null) return thresholdSamples(clean, input.batch, threshold);
    return clipRange === null ? clean : clip(clean, clipRange);
  }
}

/** Descending: of the timesteps that the model was distilled at, as many as there are steps, about evenly. */
function distilledTimesteps(config: SchedulerConfig, steps: number): number[] {
  const { originalSteps } = config.consistency;
  if (steps > originalSteps) {
    const problem = `the model was distilled from ${originalSteps} steps (original_inference_steps)`;
    throw unfitSteps('lcm', steps, problem);
  }
  const stride = Math.floor(config.trainSteps / originalSteps);
  const ratio = originalSteps / steps;
  return Array.from({ length: steps }, (_, i) => {
    return (originalSteps - Math.floor(i * ratio)) * stride - 1;
  });
}

/** A state without signal does not say, together with its noise, what the clean sample is. */
function requireSignal(alpha: number, { predictionType }: SchedulerConfig): void {
  if (alpha > 0 || predictionType !== 'epsilon') return;
  throw unfitConfig('lcm', [
    'prediction_type: epsilon cannot begin at zero terminal SNR; it needs v_prediction or sample',
  ]);
}
