// What every accepted job has, whichever recipe it follows. Plain data; a recipe adds its own part.

import { stepsOfStrength } from '../../common/diffusion/strength.ts';
import type { SourceKind, StoredSource } from '../../common/sources/source.ts';
import type { NumericsClasses } from '../../common/stage-facts.ts';
import type {
  AssembleParams,
  InversionMode,
  NormScope,
  ResizePolicy,
} from '../../common/stages.ts';
import type { Digest } from '../../common/task.ts';
import type { FrameRange } from './layout.ts';

/** A model part, by content; the name is for people. */
export interface PartRef {
  readonly name: string;
  readonly digest: Digest;
}

/** The parts of the two models between which every recipe's frames are bridged. */
export interface BridgeModels {
  readonly tokenizer: PartRef;
  readonly textEncoder: PartRef;
  /** What the image inversion runs: inflated for norm scope `window`, plain for `frame`. */
  readonly inversionUnet: PartRef;
  readonly vaeEncoder: PartRef;
  readonly vaeDecoder: PartRef;
  /** The image model's: of both inversions and of smoothing. */
  readonly scheduler: PartRef;
  readonly videoTokenizer: PartRef;
  readonly videoTextEncoder: PartRef;
  readonly videoUnet: PartRef;
}

/** A source beside the first. Its frames are taken as the first one's are, by the same start and stride. */
export interface FurtherSource {
  readonly kind: SourceKind;
  readonly digest: Digest;
  /** Present where it is one picture, which serves for all frames. */
  readonly isStill?: true;
}

/** How the windows of a clip come together. */
export interface LongClip {
  /** `co-denoise`: at each step of both inversions and of smoothing. `blend`: after all of it. */
  readonly mode: 'co-denoise' | 'blend';
  /** Frames from one window's beginning to the next one's, 1 to the window. */
  readonly stride: number;
  /** Windows that one task takes a step of; absent for `blend`. It shows in no result. */
  readonly block?: number;
}

/** Frames `first` to `last`, both counted from 0 in the clip. */
export interface FrameSpan {
  readonly first: number;
  readonly last: number;
}

export interface PromptSpan extends FrameSpan {
  readonly prompt: string;
  readonly videoPrompt: string;
}

export interface SeedSpan extends FrameSpan {
  /** 0..2^53-1. */
  readonly seed: number;
}

export interface JobBase {
  readonly plannerRevision: number;
  readonly source: {
    readonly kind: SourceKind;
    readonly digest: Digest;
    readonly start: number;
    readonly stride: number;
  };
  /** Further ones by name; absent where there are none. */
  readonly sources?: Readonly<Record<string, FurtherSource>>;
  readonly frames: number;
  /** First frames of the shots after the first one, rising, in each shot two frames at least; absent where there is but one shot. */
  readonly cuts?: readonly number[];
  /** Present where only these are wanted of the clip, which is planned as a whole. */
  readonly part?: FrameSpan;
  readonly width: number;
  readonly height: number;
  readonly resize: ResizePolicy;
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly videoPrompt: string;
  /** Of some frames others, in the order of frames, none of which lies in two; absent where there are none. */
  readonly prompts?: readonly PromptSpan[];
  /** Frames at each end of such a span over which its prompt comes and goes. @default 0 */
  readonly promptFade?: number;
  readonly steps: number;
  readonly videoGuidanceScale: number;
  /** Share of the steps that are guided, of drawing and of smoothing alike, 0 to below 1; absent where all are. */
  readonly guidanceEnd?: number;
  /** Every so many steps, of drawing and of smoothing alike, UNets are run whole, from 2; absent where all are. */
  readonly cacheInterval?: number;
  /** 0: video inversion alone. 1: image inversion alone. */
  readonly mixingRatio: number;
  /** Present where nothing is inverted: frames are noised so far instead, above 0 to 1. */
  readonly strength?: number;
  readonly inversion: InversionMode;
  readonly normScope: NormScope;
  readonly posterior: 'mode' | 'sample';
  readonly seed: number;
  /** Of some frames others, as prompts. */
  readonly seeds?: readonly SeedSpan[];
  readonly frameBatch: number;
  readonly window: number;
  /** Present where the clip is longer than a window, and its windows are not independent. */
  readonly long?: LongClip;
  readonly models: BridgeModels;
  /** What bits depend on besides the job, by kind of work. */
  readonly numerics: NumericsClasses;
  readonly outputs: readonly AssembleParams[];
}

/** The frames that its outputs show. */
export function wantedFrames({
  frames,
  part,
}: {
  readonly frames: number;
  readonly part?: FrameSpan | undefined;
}): FrameRange {
  if (part === undefined) return { start: 0, count: frames };
  return { start: part.first, count: part.last - part.first + 1 };
}

/** All that must be in the store before a task of it can run. */
export function sourcesOfJob({ source, sources = {} }: Pick<JobBase, 'source' | 'sources'>) {
  return [source, ...Object.values(sources)].map(({ kind, digest }): StoredSource => {
    return { kind, digest };
  });
}

/** Whether a task of windows takes one step of them, and goes on from the mean of what others made. */
export function smoothsStepwise({ long }: Pick<JobBase, 'long'>): boolean {
  return long?.mode === 'co-denoise';
}

/** Steps of the UNet that one task of a stage takes: all, or one where windows are co-denoised. */
export function stepsOfTask(
  job: JobBase,
  stage: 'invert-image' | 'invert-video' | 'smooth',
): number {
  const isAlone = stage === 'invert-image' && job.normScope === 'frame';
  if (smoothsStepwise(job) && !isAlone) return 1;
  return stage === 'smooth' ? smoothingSteps(job) : job.steps;
}

/** Steps of its smoothing: all, or the share that a strength means. */
export function smoothingSteps({ steps, strength }: Pick<JobBase, 'steps' | 'strength'>): number {
  return strength === undefined ? steps : stepsOfStrength(steps, strength);
}
