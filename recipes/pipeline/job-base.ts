// What every accepted job has, whichever recipe it follows. Plain data; a recipe adds its own part.

import { stepsOfStrength } from '../../common/diffusion/strength.ts';
import type { SourceKind } from '../../common/sources/source.ts';
import type { NumericsClasses } from '../../common/stage-facts.ts';
import type {
  AssembleParams,
  InversionMode,
  NormScope,
  ResizePolicy,
} from '../../common/stages.ts';
import type { Digest } from '../../common/task.ts';

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

export interface JobBase {
  readonly plannerRevision: number;
  readonly source: {
    readonly kind: SourceKind;
    readonly digest: Digest;
    readonly start: number;
    readonly stride: number;
  };
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  readonly resize: ResizePolicy;
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly videoPrompt: string;
  readonly steps: number;
  readonly videoGuidanceScale: number;
  /** 0: video inversion alone. 1: image inversion alone. */
  readonly mixingRatio: number;
  /** Present where nothing is inverted: frames are noised so far instead, above 0 to 1. */
  readonly strength?: number;
  readonly inversion: InversionMode;
  readonly normScope: NormScope;
  readonly posterior: 'mode' | 'sample';
  readonly seed: number;
  readonly frameBatch: number;
  readonly window: number;
  readonly models: BridgeModels;
  /** What bits depend on besides the job, by kind of work. */
  readonly numerics: NumericsClasses;
  readonly outputs: readonly AssembleParams[];
}

/** Steps of its smoothing: all, or the share that a strength means. */
export function smoothingSteps({ steps, strength }: Pick<JobBase, 'steps' | 'strength'>): number {
  return strength === undefined ? steps : stepsOfStrength(steps, strength);
}
