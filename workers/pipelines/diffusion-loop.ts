// The loops over timesteps, from noise to latents and back. What predicts the noise is the caller's.

import type { StageContext } from '../inference/ports.ts';
import type { Inverter, Sampler } from '../schedulers/scheduler.ts';
import { floatTensor } from '../tensor/tensor.ts';
import type { FloatTensor } from '../tensor/tensor.ts';
import { whileDoing } from './failure-place.ts';

/** The model's output for a sample at a timestep, of the sample's shape. */
export type Predict = (sample: FloatTensor, timestep: number) => Promise<FloatTensor>;

export interface LoopOptions {
  readonly predict: Predict;
  readonly context: StageContext;
  /** Say `smooth frames 0 to 7`, for errors. */
  readonly place: string;
}

export interface DenoiseOptions extends LoopOptions {
  readonly sampler: Sampler;
  /** Standard normals of the sample's shape for one step. Only samplers that add noise ask. */
  readonly drawNoise?: (step: number) => FloatTensor;
}

/** From standard normal noise to latents; the first axis is the batch. */
export async function denoise(noise: FloatTensor, options: DenoiseOptions): Promise<FloatTensor> {
  const { sampler } = options;
  const sigma = Math.fround(sampler.initNoiseSigma);
  const start = sigma === 1 ? noise.data : noise.data.map((value) => value * sigma);
  return runSteps(floatTensor(noise.shape, start), sampler, options);
}

export interface InvertOptions extends LoopOptions {
  readonly inverter: Inverter;
}

/** From latents to the noise that leads to them. */
export async function invert(latents: FloatTensor, options: InvertOptions): Promise<FloatTensor> {
  return runSteps(latents, options.inverter, options);
}

async function runSteps(
  start: FloatTensor,
  scheduler: Inverter,
  options: LoopOptions & Pick<DenoiseOptions, 'drawNoise'>,
): Promise<FloatTensor> {
  const { context, place, predict, drawNoise } = options;
  const { timesteps } = scheduler;
  const { shape } = start;
  let sample = start.data;
  for (const [stepIndex, timestep] of timesteps.entries()) {
    context.throwIfCancelled();
    const scaled = floatTensor(shape, scheduler.scaleModelInput(sample, stepIndex));
    const step = `step ${String(stepIndex + 1)} of ${String(timesteps.length)}`;
    const { data: modelOutput } = await whileDoing(
      `${place}, ${step} (t = ${String(timestep)})`,
      () => {
        return predict(scaled, timestep);
      },
    );
    sample = scheduler.step({
      modelOutput,
      stepIndex,
      sample,
      batch: shape[0]!,
      ...(drawNoise === undefined ? {} : { noise: (index: number) => drawNoise(index).data }),
    });
    context.progress(stepIndex + 1, timesteps.length);
  }
  return floatTensor(shape, sample);
}
