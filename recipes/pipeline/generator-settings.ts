// The settings of every recipe whose frames an image model draws: from its spec to its job, and from there to its generate tasks. Whatever a
// recipe has besides, its controls say, is its own.

import type { Generator, ModelSet } from '../../common/models/model-set.ts';
import type { SamplerName } from '../../common/stages.ts';
import type { DrawingModels } from './generator-parts.ts';
import type { BridgeModels, JobBase } from './job-base.ts';

/** Of the image model; a job of a recipe that draws has them. */
export interface DrawingSettings {
  /** 1 means no guidance. */
  readonly guidanceScale: number;
  readonly sampler: SamplerName;
  /** Of the frames' noise, above 0 to 1. @default nothing is shared */
  readonly sharedNoise?: number;
}

export interface DrawingJob extends JobBase, DrawingSettings {
  readonly models: BridgeModels & DrawingModels;
}

/** What every generate task is told. A type, not an interface, so that it is JSON to the compiler. */
export type DrawingParams = Readonly<{
  prompt: string;
  negativePrompt: string;
  steps: number;
  guidanceScale: number;
  sampler: SamplerName;
  /** 0..2^53-1. Frame noise is keyed by (seed, frame index, purpose, step). */
  seed: number;
  /** As `DrawingSettings.sharedNoise`. */
  sharedNoise?: number;
}>;

/** The user's (`DRAWING_FIELDS`), else the models' own. */
export function drawingSettings(
  spec: {
    readonly guidanceScale?: number | undefined;
    readonly scheduler?: SamplerName | undefined;
    readonly sharedNoise?: number | undefined;
  },
  { defaults }: ModelSet,
): DrawingSettings {
  const { sharedNoise = 0 } = spec;
  return {
    guidanceScale: spec.guidanceScale ?? defaults.guidanceScale,
    sampler: spec.scheduler ?? defaults.sampler,
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
  return {
    sampler: drawingSettings(spec, models).sampler,
    generatorScheduler: generator?.scheduler,
    mixingRatio: generator?.mixingRatio,
  };
}

export function drawingParams(job: DrawingJob): DrawingParams {
  const { prompt, negativePrompt, steps, guidanceScale, sampler, seed, sharedNoise } = job;
  return {
    ...{ prompt, negativePrompt, steps, guidanceScale, sampler, seed },
    ...(sharedNoise === undefined ? {} : { sharedNoise }),
  };
}

/** What the noise of these frames is keyed by. */
export function noiseOf({ seed, sharedNoise }: DrawingParams, frames: readonly number[]) {
  return { seed, frames, shared: sharedNoise };
}
