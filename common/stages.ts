// What the planner puts into a task and the stage's body takes out of it: one parameter type per stage,
// and the model roles each reads. A parameter is here only if it can change the stage's result.

import type { OutputFormat } from './outputs/output-formats.ts';
import type { OwnSkeleton } from './models/annotator-card.ts';
import type { JsonValue } from './task.ts';

export type ResizePolicy = 'stretch' | 'cover' | 'contain';
/** In the order of help. */
export const SAMPLERS = [
  ...(['ddim', 'pndm', 'euler', 'euler-ancestral', 'heun'] as const),
  ...(['dpm-solver++', 'unipc', 'deis', 'lcm'] as const),
] as const;
export type SamplerName = (typeof SAMPLERS)[number];
/** `ddim`: diffusers' DDIMInverseScheduler. `official`: BIVDiff's own step (its models/scheduling_ddim.py). */
export const INVERSION_MODES = ['ddim', 'official'] as const;
export type InversionMode = (typeof INVERSION_MODES)[number];
/** Over what the inflated image UNet's GroupNorms take their statistics: the window, as the official code, or each frame. */
export type NormScope = 'window' | 'frame';

/** Source: `video`. Out: `frames`. */
export interface IngestParams {
  readonly width: number;
  readonly height: number;
  readonly resize: ResizePolicy;
  /** Indices in the source, one per frame of the task, ascending. */
  readonly sourceIndices: readonly number[];
  /** Present where the frames' alpha is wanted: it is kept in them, for whoever asks for it. Others see them laid over black. */
  readonly alpha?: true;
}

/** In: `frames`. Out: `control`, as RGB pictures. */
export interface AnnotateParams {
  readonly annotator: 'canny';
  /** Thresholds on |dx|+|dy| of the Sobel gradient of an 8-bit channel. */
  readonly low: number;
  readonly high: number;
}

/**
 * In: `frames`. Out: `control`, as RGB pictures: nearness as grey, or joints and what joins them on black; of joints also `joints`,
 * `[frames, joints, 3]` float32: x and y in pixels, and the score. Models: annotator.
 */
export type EstimateParams =
  | Readonly<{ kind: 'depth' }>
  | Readonly<{
      kind: 'pose';
      skeleton: 'openpose' | OwnSkeleton;
      /** Joints of a lower score are not drawn. */
      threshold: number;
    }>;

/**
 * What a model is told of the frames of a task: one text, or of each frame a mix of several, by the weight of each text; weights of a frame add up
 * to 1. A type, not an interface, so that it is JSON to the compiler.
 */
export type Prompt =
  string | Readonly<{ texts: readonly string[]; weights: readonly (readonly number[])[] }>;

/** Of noise, 0..2^53-1: of all frames of a task, or of each. */
export type Seed = number | readonly number[];

/** In and models: as the recipe says. Out: `frames`. */
export interface GenerateParams {
  /** The recipe whose body draws them. */
  readonly task: string;
  readonly [setting: string]: JsonValue | undefined;
}

/** In: `frames`. Out: `latents`, scaled. Models: vae-encoder. */
export interface EncodeParams {
  /** `mode`: the posterior's mean. `sample`: mean + std * noise keyed by (seed, frame), as the official code draws it. */
  readonly posterior: 'mode' | 'sample';
  /** Present only when sampling. */
  readonly seed?: Seed;
}

/**
 * One step of some overlapping windows of a long clip (co-denoising, Gen-L-Video, arXiv 2305.18264). A task that has it reads `latents`: the
 * copies of its frames that windows of the step before left, or before the first step each frame once. Each frame begins the step as the mean
 * of its copies, weighted as by merge. Out: `latents`, those windows one after the other.
 */
export interface WindowStep {
  /** Of the scheduler, from 0. */
  readonly step: number;
  /** Frames of a window. */
  readonly length: number;
  /** The first frame of each window, counted in the task's frames. */
  readonly starts: readonly number[];
  /** As of merge. Absent before the first step. */
  readonly copies?: MergeParams['copies'];
}

/**
 * In: `latents`, runs of copies of the task's frames by overlapping windows. Out: `latents`, each frame once: the mean of its copies, weighted by
 * how far from its window's ends each lies, so that one window fades into the next. Nothing in it is random, and the order of windows is that of
 * the sums.
 */
export interface MergeParams {
  /** Frames of a window. */
  readonly length: number;
  /** Of each run, in the order of windows: its first frame, counted in the task's frames, the place of that in its window, and its length. */
  readonly copies: readonly (readonly [first: number, offset: number, count: number])[];
}

/** In: `latents`. Out: `noise`. Models: tokenizer, text-encoder, unet (inflated, or plain for `frame`), scheduler. */
export interface InvertImageParams {
  readonly mode: InversionMode;
  readonly steps: number;
  /** Conditions the inversion; no guidance (algorithm: the official loop takes the negative embedding). */
  readonly negativePrompt: string;
  readonly normScope: NormScope;
  readonly windows?: WindowStep;
}

/** In: `latents`. Out: `noise`. Models: tokenizer, text-encoder, unet (video), scheduler (the image model's). */
export interface InvertVideoParams {
  readonly mode: InversionMode;
  readonly steps: number;
  readonly negativePrompt: string;
  readonly windows?: WindowStep;
}

/** In: `image`, `video`. Out: `noise` = mixingRatio * image + (1 - mixingRatio) * video. */
export interface MixParams {
  /** Strictly between 0 and 1: the ends need no mixing. */
  readonly mixingRatio: number;
}

/**
 * In: `noise`; with `noised`, `latents`, which are noised here. Out: `latents`. Models: tokenizer, text-encoder, unet (video), scheduler (the
 * image model's).
 */
export interface SmoothParams {
  /** Where frames of a window are told several, it is told their mean. */
  readonly prompt: Prompt;
  readonly negativePrompt: string;
  readonly steps: number;
  readonly guidanceScale: number;
  /** Share of the steps that are guided. @default all */
  readonly guidanceEnd?: number;
  /** Every so many steps, from the first, the whole UNet is run, from 2; in between what lies behind its deep features. @default at each */
  readonly cacheInterval?: number;
  /** How far into noise, above 0 to 1, by noise of this seed. */
  readonly noised?: { readonly strength: number; readonly seed: Seed };
  readonly windows?: WindowStep;
}

/** In: `latents`. Out: `frames`. Models: vae-decoder. */
export type DecodeParams = Readonly<Record<string, never>>;

/**
 * In: `generated`, `smoothed` and what they are compared with, each of the frames of the task and, unless it is the first, the one before them. Out:
 * `metrics`, JSON of `MeasureSums`.
 * - edges: `control`, and how it was drawn
 * - depth: `depth`, `generated-depth`, `smoothed-depth`: pictures that estimate made of the source and of both
 * - joints: `joints`, `generated-joints`, `smoothed-joints` of estimate; those of a lower score than the threshold are not there
 */
export type MeasureParams = (AnnotateParams | { readonly annotator?: never }) & {
  readonly depth?: true;
  readonly joints?: { readonly threshold: number };
  /** Present where a part of the clip begins with the task's first frame: none before it is read. */
  readonly begins?: true;
  /** Of the task's frames, from 0, those between which and the frame before a window begins or ends. Absent where none does. */
  readonly seams?: readonly number[];
  /** Likewise those with which another shot begins: that they differ from the frame before is no flicker. Absent where none does. */
  readonly cuts?: readonly number[];
};

/** Whole pixels; x to the right, y down, from the frame's upper left corner. */
export type Rectangle = Readonly<{ x: number; y: number; width: number; height: number }>;

/**
 * In: `smoothed`, `source` and, where no rectangles say what is hidden, `mask`: pictures, white (half and brighter) where it is. Out: `frames`:
 * the source's where nothing was hidden, the smoothed elsewhere.
 */
export interface ComposeParams {
  /** Pixels around what is hidden over which the one fades into the other, 0 to 64. */
  readonly feather: number;
  /** Of each frame of the task. */
  readonly hidden?: readonly (readonly Rectangle[])[];
}

/** In: `smoothed`, the roles of the other panels, and of a clip that keeps alpha, `alpha`: pictures that have it. Out: `file`. */
export interface AssembleParams {
  /** `clip`: `smoothed` alone. `comparison`: all panels side by side. `contact-sheet`: the same as one picture. */
  readonly layout: 'clip' | 'comparison' | 'contact-sheet';
  /** `png`: of a contact sheet. */
  readonly format: OutputFormat | 'png';
  readonly framesPerSecond: number;
  /** Of a clip that keeps its source's sound: when, by the source's clock, its first frame is shown. Source: `video`. */
  readonly sound?: { readonly fromSeconds: number };
}

export interface ParamsByStage {
  readonly ingest: IngestParams;
  readonly annotate: AnnotateParams;
  readonly estimate: EstimateParams;
  readonly generate: GenerateParams;
  readonly encode: EncodeParams;
  readonly 'invert-image': InvertImageParams;
  readonly 'invert-video': InvertVideoParams;
  readonly mix: MixParams;
  readonly smooth: SmoothParams;
  readonly merge: MergeParams;
  readonly decode: DecodeParams;
  readonly compose: ComposeParams;
  readonly measure: MeasureParams;
  readonly assemble: AssembleParams;
}
