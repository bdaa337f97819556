// The words that coordinator, workers and store share: task, artifact, result record. Plain data, no
// behaviour; knows nothing of how a plan is made or how a task runs.

declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/** SHA-256 of some bytes, 64 lower-case hex digits. */
export type Digest = Branded<string, 'Digest'>;
/** SHA-256 over everything that can change a task's result, 64 lower-case hex digits. */
export type TaskId = Branded<string, 'TaskId'>;
/** SHA-256 over the accepted spec, 64 lower-case hex digits; the first 12 are shown to people. */
export type JobId = Branded<string, 'JobId'>;

/** Kinds of task, in the order of the pipeline. */
export const STAGES = [
  'ingest',
  'annotate',
  'estimate',
  'generate',
  'encode',
  'invert-image',
  'invert-video',
  'mix',
  'smooth',
  'merge',
  'decode',
  'compose',
  'measure',
  'assemble',
] as const;
export type Stage = (typeof STAGES)[number];

/** Kinds of worker. `any` stages run on whichever is free. */
export type Pool = 'idm' | 'mixer' | 'vdm' | 'any';

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

/**
 * `count` consecutive frames, from `offset`, of one output of one task. An input is a list of these, joined
 * along the frame axis: so a window may straddle the batches that made its frames.
 */
export interface InputPart {
  readonly task: TaskId;
  readonly output: string;
  readonly offset: number;
  readonly count: number;
}

/** One pure unit of work: the same task gives the same bytes wherever it runs. */
export interface Task {
  readonly id: TaskId;
  readonly stage: Stage;
  /** Raised whenever the stage's code changes its result. */
  readonly stageRevision: number;
  /** What matters to this stage and nothing else. */
  readonly params: JsonObject;
  /** Role (say `unet`) to the digest of the model part that plays it. */
  readonly models: Readonly<Record<string, Digest>>;
  /** Role (say `control`) to the parts that make it up, in frame order. */
  readonly inputs: Readonly<Record<string, readonly InputPart[]>>;
  /** Artifacts that no task made: the source video. */
  readonly sources: Readonly<Record<string, Digest>>;
  /** Indices, in the job, of the frames that it makes. */
  readonly frames: readonly number[];
  /** What must be equal for the bits to be equal, besides the task: provider, instruction set, versions. */
  readonly numericsClass: string;
}

/** Immutable bytes in the store, and what they are. */
export interface ArtifactRef {
  readonly digest: Digest;
  readonly bytes: number;
  readonly type: ArtifactType;
  /** Of a tensor: row-major, frames first. Of a picture: [height, width, 3]. */
  readonly shape?: readonly number[];
}

/**
 * - `tensor/float32`: little-endian, row-major
 * - `image/png`: one frame, 8-bit RGB
 * - the rest: whole files
 */
export type ArtifactType =
  | 'tensor/float32'
  | 'image/png'
  | 'image/gif'
  | 'video/mp4'
  | 'video/webm'
  | 'video/quicktime'
  | 'video/x-matroska'
  | 'application/json'
  | 'application/octet-stream';

/**
 * What running a task gave. Written once under the task's id. An output is either one tensor artifact whose first axis
 * is the frames, or one artifact per frame.
 */
export interface ResultRecord {
  readonly taskId: TaskId;
  readonly stage: Stage;
  readonly outputs: Readonly<Record<string, readonly ArtifactRef[]>>;
  readonly worker: string;
  readonly numericsClass: string;
  readonly attempt: number;
  /** Wall time, by the worker's clock. */
  readonly startedAt: string;
  readonly seconds: number;
  /** Of `seconds`, those inside ONNX Runtime or a codec. */
  readonly busySeconds: number;
  /** Of a checkpoint: steps that are done; `outputs` are what the rest depends on. */
  readonly doneSteps?: number;
  /** Of a step of windows: which, from 0. Only the steps that follow it read it, so once they are done it serves only who goes on from it. */
  readonly step?: number;
}
