// The loops over timesteps, from noise to latents and back. What predicts the noise is the caller's.

import { BivdiffError } from '../../common/errors.ts';
import type { Checkpoint, StageContext } from '../inference/ports.ts';
import type { Inverter, Sampler, StepInput } from '../../common/diffusion/scheduler.ts';
import { floatTensor } from '../tensor/tensor.ts';
import type { FloatTensor } from '../tensor/tensor.ts';
import { whileDoing } from './failure-place.ts';

/** The model's output for a sample at a timestep, of the sample's shape. `stepIndex` counts from 0. */
export type Predict = (
  sample: FloatTensor,
  timestep: number,
  stepIndex: number,
) => Promise<FloatTensor>;

/** What is done to the sample after each step, by what was gathered on the way: tensors that checkpoints hold. */
export interface BetweenSteps {
  /** The sample before the next step. */
  apply(sample: FloatTensor): FloatTensor;
  /** All that it has gathered, never to be written to again. */
  saveState(): Readonly<Record<string, FloatTensor>>;
  /** Goes on from what another has gathered. */
  restoreState(tensors: Readonly<Record<string, FloatTensor>>): void;
}

/** The clean sample that a step of DDIM shall go on from; undefined where that is the one that the model's output means. */
export type ChooseClean = (input: StepInput) => Promise<Float32Array | undefined>;

export interface LoopOptions {
  readonly predict: Predict;
  readonly context: StageContext;
  /** Say `smooth frames 0 to 7`, for errors. */
  readonly place: string;
  /** It can go on from every so many steps, from the first: where `predict` recalls nothing. @default any */
  readonly resumesEvery?: number | undefined;
}

export interface DenoiseOptions extends LoopOptions {
  readonly sampler: Sampler;
  /** Standard normals of the sample's shape for one step. Only samplers that add noise ask. */
  readonly drawNoise?: (step: number) => FloatTensor;
  /** @default the sample stays as it is */
  readonly between?: BetweenSteps | undefined;
  /** @default clean samples are as the model says */
  readonly chooseClean?: ChooseClean;
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
  options: LoopOptions &
    Pick<DenoiseOptions, 'drawNoise' | 'between' | 'chooseClean'> & { readonly first?: number },
): Promise<FloatTensor> {
  const { context, place, predict, drawNoise, between, chooseClean, first = 0 } = options;
  const { resumesEvery = 1 } = options;
  const { timesteps } = scheduler;
  const { shape } = start;
  const { resumed } = context;
  let sample = resumed === undefined ? start.data : resume(resumed, start, scheduler, between);
  const done = resumed?.doneSteps ?? first;
  const stand = (step: number): void => {
    if (step % resumesEvery !== 0) return;
    const state = stateAt(floatTensor(shape, sample), scheduler, between);
    if (resumesEvery === 1) context.standsAt(step, state);
    else {
      // At once: it is asked for later, when the scheduler has gone on.
      const saved = state();
      context.standsAt(step, () => saved);
    }
  };
  stand(done);
  for (let stepIndex = done; stepIndex < timesteps.length; stepIndex += 1) {
    context.throwIfCancelled();
    const stepOptions = { scheduler, predict, place, drawNoise, chooseClean };
    ({ data: sample } = await takeStep(floatTensor(shape, sample), stepIndex, stepOptions));
    if (between !== undefined) sample = between.apply(floatTensor(shape, sample)).data;
    context.progress(stepIndex + 1 - first, timesteps.length - first);
    stand(stepIndex + 1);
  }
  return floatTensor(shape, sample);
}

export interface StepOptions extends Pick<LoopOptions, 'predict' | 'place'> {
  readonly scheduler: Inverter;
  readonly drawNoise?: DenoiseOptions['drawNoise'] | undefined;
  readonly chooseClean?: ChooseClean | undefined;
}

/** One step of a sampler or inverter. Where it depends on those before, these were taken by the same one. */
export async function takeStep(
  { shape, data: sample }: FloatTensor,
  stepIndex: number,
  { scheduler, predict, place, drawNoise, chooseClean }: StepOptions,
): Promise<FloatTensor> {
  const { timesteps } = scheduler;
  const timestep = timesteps[stepIndex]!;
  const scaled = floatTensor(shape, scheduler.scaleModelInput(sample, stepIndex));
  const step = `step ${String(stepIndex + 1)} of ${String(timesteps.length)}`;
  const here = `${place}, ${step} (t = ${String(timestep)})`;
  const { data: modelOutput } = await whileDoing(here, () => {
    return predict(scaled, timestep, stepIndex);
  });
  const input: StepInput = {
    ...{ modelOutput, stepIndex, sample, batch: shape[0]! },
    ...(drawNoise === undefined ? {} : { noise: (index: number) => drawNoise(index).data }),
  };
  const clean = await whileDoing(here, async () => chooseClean?.(input));
  const after = scheduler.step(clean === undefined ? input : { ...input, clean });
  return floatTensor(shape, after);
}

const HISTORY = 'history.';
const GATHERED = 'between.';

/** What the steps to come depend on, for as long as the scheduler takes no further step. */
function stateAt(
  sample: FloatTensor,
  scheduler: Inverter,
  between: BetweenSteps | undefined,
): () => Checkpoint['tensors'] {
  return () => {
    const { history } = scheduler.saveState();
    const named = Object.entries(history).map(([name, values]) => {
      return [HISTORY + name, floatTensor(sample.shape, values)] as const;
    });
    const gathered = Object.entries(between?.saveState() ?? {}).map(([name, tensor]) => {
      return [GATHERED + name, tensor] as const;
    });
    return { sample, ...Object.fromEntries([...named, ...gathered]) };
  };
}

/**
 * Sets scheduler and what is between the steps to where the checkpoint was left, and gives the sample.
 * @throws data-loss — it does not fit the task
 */
function resume(
  { doneSteps, tensors }: Checkpoint,
  start: FloatTensor,
  scheduler: Inverter,
  between: BetweenSteps | undefined,
): Float32Array {
  const { sample, ...rest } = tensors;
  const [gathered, histories] = [GATHERED, HISTORY].map((prefix) =>
    Object.entries(rest).flatMap(([name, tensor]) => {
      return name.startsWith(prefix) ? [[name.slice(prefix.length), tensor] as const] : [];
    }),
  ) as [[string, FloatTensor][], [string, FloatTensor][]];
  const all = [sample, ...histories.map(([, tensor]) => tensor)];
  const fits = all.every((tensor) => tensor?.data.length === start.data.length);
  const isKnown = gathered.length === 0 || between !== undefined;
  if (sample === undefined || !fits || !isKnown || doneSteps > scheduler.timesteps.length) {
    throw new BivdiffError('data-loss', 'the checkpoint is of another task');
  }
  const history = histories.map(([name, { data }]) => [name, data] as const);
  scheduler.restoreState({ nextStep: doneSteps, history: Object.fromEntries(history) });
  between?.restoreState(Object.fromEntries(gathered));
  return sample.data;
}
