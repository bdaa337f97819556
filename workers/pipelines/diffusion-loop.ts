// The loops over timesteps, from noise to latents and back. What predicts the noise is the caller's.

import { BivdiffError } from '../../common/errors.ts';
import type { Checkpoint, StageContext } from '../inference/ports.ts';
import type { Inverter, Sampler } from '../../common/diffusion/scheduler.ts';
import { floatTensor } from '../tensor/tensor.ts';
import type { FloatTensor } from '../tensor/tensor.ts';
import { whileDoing } from './failure-place.ts';

/** The model's output for a sample at a timestep, of the sample's shape; `step` counts from 0. */
export type Predict = (sample: FloatTensor, timestep: number, step: number) => Promise<FloatTensor>;

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

/** From the middle: a sample that stands before step `first`. */
export async function denoiseFrom(
  sample: FloatTensor,
  first: number,
  options: DenoiseOptions,
): Promise<FloatTensor> {
  return runSteps(sample, options.sampler, { ...options, first });
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
  options: LoopOptions & Pick<DenoiseOptions, 'drawNoise'> & { readonly first?: number },
): Promise<FloatTensor> {
  const { context, place, predict, drawNoise, first = 0 } = options;
  const { timesteps } = scheduler;
  const { shape } = start;
  const { resumed } = context;
  let sample = resumed === undefined ? start.data : resume(resumed, start, scheduler);
  const done = resumed?.doneSteps ?? first;
  context.standsAt(done, stateAt(floatTensor(shape, sample), scheduler));
  for (const [stepIndex, timestep] of timesteps.entries()) {
    if (stepIndex < done) continue;
    context.throwIfCancelled();
    const scaled = floatTensor(shape, scheduler.scaleModelInput(sample, stepIndex));
    const step = `step ${String(stepIndex + 1)} of ${String(timesteps.length)}`;
    const { data: modelOutput } = await whileDoing(
      `${place}, ${step} (t = ${String(timestep)})`,
      () => {
        return predict(scaled, timestep, stepIndex);
      },
    );
    sample = scheduler.step({
      modelOutput,
      stepIndex,
      sample,
      batch: shape[0]!,
      ...(drawNoise === undefined ? {} : { noise: (index: number) => drawNoise(index).data }),
    });
    context.progress(stepIndex + 1 - first, timesteps.length - first);
    context.standsAt(stepIndex + 1, stateAt(floatTensor(shape, sample), scheduler));
  }
  return floatTensor(shape, sample);
}

const HISTORY = 'history.';

/** What the steps to come depend on, for as long as the scheduler takes no further step. */
function stateAt(sample: FloatTensor, scheduler: Inverter): () => Checkpoint['tensors'] {
  return () => {
    const { history } = scheduler.saveState();
    const named = Object.entries(history).map(([name, values]) => {
      return [HISTORY + name, floatTensor(sample.shape, values)] as const;
    });
    return { sample, ...Object.fromEntries(named) };
  };
}

/** Sets the scheduler to where the checkpoint was left, and gives the sample. @throws data-loss — it does not fit the task */
function resume(
  { doneSteps, tensors }: Checkpoint,
  start: FloatTensor,
  scheduler: Inverter,
): Float32Array {
  const { sample, ...rest } = tensors;
  const all = Object.values(tensors);
  const fits = all.every(({ data }) => data.length === start.data.length);
  if (sample === undefined || !fits || doneSteps > scheduler.timesteps.length) {
    throw new BivdiffError('data-loss', 'the checkpoint is of another task');
  }
  const history = Object.entries(rest).map(([name, { data }]) => {
    return [name.slice(HISTORY.length), data] as const;
  });
  scheduler.restoreState({ nextStep: doneSteps, history: Object.fromEntries(history) });
  return sample.data;
}
