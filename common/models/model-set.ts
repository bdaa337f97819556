// What a folder of models holds, once read: the types that the planner, the lanes and `bivdiff models` share.
// Reading the folder is model-folder.ts's.

import type { InversionMode, SamplerName } from '../stages.ts';
import type { Digest, JsonObject } from '../task.ts';
import type { CardAnnotator } from './annotator-card.ts';

/** One loadable thing: a graph with its config and weights, a tokenizer, or a scheduler's config. */
export interface ModelPart {
  /** Say `image/unet`, `image/unet+canny` (a generator's), `video/shapes3d/unet`: unique in the set, for people. */
  readonly name: string;
  /** Over the bytes of every file below, by their names relative to the set. */
  readonly digest: Digest;
  /** The ONNX graph, if it is one. Absolute path. */
  readonly graph?: string;
  /** For a tokenizer: the folder. Absolute path. */
  readonly folder?: string;
  /** The part's config.json (diffusers or transformers), or scheduler_config.json. Empty if it has none. */
  readonly config: JsonObject;
  /** Where the config was read from, if there is one. Absolute path. */
  readonly configFile?: string;
  /** Absolute paths of all files that make it up, external data included. */
  readonly files: readonly string[];
  readonly bytes: number;
}

export interface ImageModel {
  readonly tokenizer: ModelPart;
  readonly textEncoder: ModelPart;
  readonly unet: ModelPart;
  /** The same weights, GroupNorms pooled over the window. Absent when the folder has none: then only per-frame inversion. */
  readonly unetInflated?: ModelPart;
  readonly vaeEncoder: ModelPart;
  readonly vaeDecoder: ModelPart;
  readonly scheduler: ModelPart;
}

/** What draws frames for one recipe. */
export interface Generator {
  readonly name: string;
  /** The recipe that it is for. */
  readonly task: string;
  /** The recipe's method that it is for. @default its first */
  readonly method?: string;
  readonly unet: ModelPart;
  /** These are the image model's, unless it brings its own. */
  readonly tokenizer: ModelPart;
  readonly textEncoder: ModelPart;
  readonly scheduler: ModelPart;
  readonly vaeEncoder: ModelPart;
  readonly vaeDecoder: ModelPart;
  /** What it is conditioned on, in the words of its recipe. */
  readonly conditions: readonly JsonObject[];
  /** That suits its frames. @default that of the set */
  readonly mixingRatio?: number;
}

/** What sees in a picture what a control picture is drawn from, and how that is drawn. */
export type Annotator = DistributiveOmit<CardAnnotator, 'model'> & {
  readonly name: string;
  readonly model: ModelPart;
};
type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;

export interface VideoModel {
  readonly name: string;
  readonly tokenizer: ModelPart;
  readonly textEncoder: ModelPart;
  readonly unet: ModelPart;
  /** How it was trained to be denoised, to compare with the image model; nothing is sampled with it. Absent when the folder has none. */
  readonly scheduler?: ModelPart | undefined;
  /** Frames that one pass was trained on. */
  readonly window: number;
  /** Frames that one pass can be of, where the model knows only so many positions. */
  readonly windowMax?: number | undefined;
  /** Absent where the set's suit it. */
  readonly defaults?: VideoDefaults | undefined;
}

/** Of a set's defaults those that a video model has its own of. */
export type VideoDefaults = {
  readonly [Name in 'videoGuidanceScale' | 'mixingRatio']?: ModelDefaults[Name] | undefined;
};

/** Settings that suit these models; flags and spec override them. */
export interface ModelDefaults {
  readonly guidanceScale: number;
  readonly videoGuidanceScale: number;
  readonly mixingRatio: number;
  readonly steps: number;
  readonly width: number;
  readonly height: number;
  readonly negativePrompt: string;
  readonly sampler: SamplerName;
  readonly inversion: InversionMode;
}

export interface ModelSet {
  readonly name: string;
  /** Absolute path. */
  readonly folder: string;
  readonly image: ImageModel;
  readonly videos: Readonly<Record<string, VideoModel>>;
  readonly defaultVideo: string;
  /** By name. */
  readonly generators: Readonly<Record<string, Generator>>;
  /** By name; those that are built in are not among them. */
  readonly annotators: Readonly<Record<string, Annotator>>;
  readonly defaults: ModelDefaults;
  /** Width and height must be multiples of it: 8 (the VAE) times what the UNets halve. */
  readonly sizeMultiple: number;
}
