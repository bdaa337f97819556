// The settings of every recipe whose frames an image model draws: from its spec to its job, and from there to its generate tasks. Whatever a
// recipe has besides, its controls say, is its own.

import { createSampler } from '../../common/diffusion/create-sampler.ts';
import type { Sampler } from '../../common/diffusion/scheduler.ts';
import type { Generator, ModelSet } from '../../common/models/model-set.ts';
import type { Prompt, SamplerName, Seed } from '../../common/stages.ts';
import { promptOver, seedOver } from './frame-settings.ts';
import type { DrawingModels } from './generator-parts.ts';
import type { BridgeModels, JobBase } from './job-base.ts';
import type { FrameRange } from './layout.ts';

/** Of the image model; a job of a recipe that draws has them. */
export interface DrawingSettings {
  /** 1 means no guidance. */
  readonly guidanceScale: number;
  readonly sampler: SamplerName;
  /** That the sampler visits in place of those of the steps. */
  readonly timesteps?: readonly number[];
  /** Of the frames' noise, above 0 to 1. @default nothing is shared */
  readonly sharedNoise?: number;
}

export interface DrawingJob extends JobBase, DrawingSettings {
  readonly models: BridgeModels & DrawingModels;
}

/** What every generate task is told. A type, not an interface, so that it is JSON to the compiler. */
export type DrawingParams = Readonly<{
  prompt: Prompt;
  negativePrompt: string;
  /** As many as there are timesteps, where these are listed. */
  steps: number;
  guidanceScale: number;
  /** As the job's. */
  guidanceEnd?: number;
  /** As the job's. */
  cacheInterval?: number;
  sampler: SamplerName;
  /** Frame noise is keyed by (seed, frame index, purpose, step). */
  seed: Seed;
  /** As `DrawingSettings.timesteps`. */
  timesteps?: readonly number[];
  /** As `DrawingSettings.sharedNoise`. */
  sharedNoise?: number;
}>;

/** The user's (`DRAWING_FIELDS`), else the models' own. */
export function drawingSettings(
  spec: {
    readonly guidanceScale?: number | undefined;
    readonly scheduler?: SamplerName | undefined;
    readonly timesteps?: readonly number[] | undefined;
    readonly sharedNoise?: number | undefined;
  },
  { defaults }: ModelSet,
): DrawingSettings {
  const { timesteps, sharedNoise = 0 } = spec;
  return {
    guidanceScale: spec.guidanceScale ?? defaults.guidanceScale,
    sampler: spec.scheduler ?? defaults.sampler,
    ...(timesteps === undefined ? {} : { timesteps }),
    ...(sharedNoise === 0 ? {} : { sharedNoise }),
  };
}

/** What acceptance looks at of a recipe whose frames `generator` draws; undefined while none is found. */
export function drawnBy(
  generator: Generator | undefined,
  {
    spec,
    models,
  }: { readonly spec: Parameters<typeof drawingSettings>[0]; readonly models: ModelSet },
) {
  const { sampler, timesteps } = drawingSettings(spec, models);
  return {
    ...{ sampler, timesteps },
    generatorScheduler: generator?.scheduler,
    cachedUnet: generator?.unet,
    mixingRatio: generator?.mixingRatio,
  };
}

/** Of the task that draws these frames. */
export function drawingParams(job: DrawingJob, frames: FrameRange): DrawingParams {
  const { negativePrompt, guidanceScale, guidanceEnd = 1, cacheInterval = 1 } = job;
  const { sampler, timesteps, sharedNoise } = job;
  return {
    ...{ prompt: promptOver(job, frames), negativePrompt, steps: drawingSteps(job) },
    ...{ guidanceScale, sampler },
    seed: seedOver(job, frames),
    ...(guidanceEnd === 1 ? {} : { guidanceEnd }),
    ...(cacheInterval === 1 ? {} : { cacheInterval }),
    ...(timesteps === undefined ? {} : { timesteps }),
    ...(sharedNoise === undefined ? {} : { sharedNoise }),
  };
}

/** Of drawing; inversions and smoothing have the job's. */
export function drawingSteps({
  steps,
  timesteps,
}: Pick<DrawingJob, 'steps' | 'timesteps'>): number {
  return timesteps?.length ?? steps;
}

/** What these tasks take their steps with. `config`: the generator's scheduler's. */
export function drawingSampler(
  { sampler, steps, timesteps }: Pick<DrawingParams, 'sampler' | 'steps' | 'timesteps'>,
  config: unknown,
): Sampler {
  return createSampler(sampler, config, { steps, timesteps });
}

/** What the noise of these frames is keyed by. */
export function noiseOf({ seed, sharedNoise }: DrawingParams, frames: readonly number[]) {
  return { seed, frames, shared: sharedNoise };
}
