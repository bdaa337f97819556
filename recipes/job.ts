// An accepted job: the spec with every name turned into a digest and every default filled in. The plan is a
// pure function of it. Plain data; stored under the job's id.

import type {
  SamplerName,
  InversionMode,
  NormScope,
  ResizePolicy,
  AssembleParams,
  NumericsClasses,
} from '../common/stages.ts';
import type { SourceKind } from '../common/source.ts';
import type { Digest } from '../common/task.ts';

/** Raised when the planner gives other tasks for the same job. */
export const PLANNER_REVISION = 1;

/** A model part, by content; the name is for people. */
export interface PartRef {
  readonly name: string;
  readonly digest: Digest;
}

export interface AcceptedJob {
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
  readonly control: {
    readonly annotator: 'canny';
    readonly low: number;
    readonly high: number;
    readonly scale: number;
  };
  readonly task: 'controlnet';
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly videoPrompt: string;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly videoGuidanceScale: number;
  /** 0: video inversion alone. 1: image inversion alone. */
  readonly mixingRatio: number;
  readonly inversion: InversionMode;
  readonly normScope: NormScope;
  readonly sampler: SamplerName;
  readonly posterior: 'mode' | 'sample';
  readonly seed: number;
  readonly frameBatch: number;
  readonly window: number;
  readonly models: {
    readonly tokenizer: PartRef;
    readonly textEncoder: PartRef;
    /** The UNet with the job's ControlNet fused in. */
    readonly controlUnet: PartRef;
    /** What the image inversion runs: inflated for norm scope `window`, plain for `frame`. */
    readonly inversionUnet: PartRef;
    readonly vaeEncoder: PartRef;
    readonly vaeDecoder: PartRef;
    readonly scheduler: PartRef;
    readonly videoTokenizer: PartRef;
    readonly videoTextEncoder: PartRef;
    readonly videoUnet: PartRef;
  };
  /** What bits depend on besides the job, by kind of work. */
  readonly numerics: NumericsClasses;
  readonly outputs: readonly AssembleParams[];
}
