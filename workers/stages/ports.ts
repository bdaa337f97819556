// What the task runner needs of the lanes and of the media processes; each provider fits it structurally.

import type { ModelPart } from '../../common/models/model-set.ts';
import type { ArtifactRef, Digest } from '../../common/task.ts';
import type { LaneJob, LaneResult } from '../inference/lanes/lane-job.ts';
import type { Checkpoint } from '../inference/ports.ts';
import type {
  DecodedFrame,
  DecodeRequest,
  EncodedFacts,
  EncodeRequest,
} from '../media/media-types.ts';

export interface StageLanes {
  /** Tensors are given away: the caller must not touch them again. */
  run(
    job: LaneJob,
    options: {
      readonly signal?: AbortSignal;
      readonly onProgress?: (step: number, steps: number) => void;
      readonly onCheckpoint?: (checkpoint: Checkpoint) => void;
    },
  ): Promise<LaneResult>;
}

/** Finds the model part that a task names by digest; it may have to be fetched first. */
export type PartLookup = (digest: Digest) => Promise<ModelPart | undefined>;

/** A short cut for tensors past the store: what this worker and others made lately. */
export interface TensorPeers {
  /** What was just stored, for whoever reads it next. The bytes must not change any more. */
  keep(digest: Digest, bytes: Uint8Array): void;
  /** Of the worker that made it, checked; undefined if the store has to give it. Never fails. Not to be changed. */
  read(ref: ArtifactRef, worker: string): Promise<Uint8Array | undefined>;
  /**
   * Keeps a tensor of so many frames for whoever reads it in the time to come, and gives the name by which it is read. The bytes must not
   * change any more. Absent where nobody could read it: this worker serves nothing.
   */
  readonly hold?: ((bytes: Uint8Array, frames: number) => Promise<Digest>) | undefined;
  /** Frames of what a worker holds, checked, for each run; undefined if it is lost. Never fails. Not to be changed. */
  readHeld?(
    ref: ArtifactRef,
    worker: string,
    runs: readonly { readonly offset: number; readonly count: number }[],
  ): Promise<readonly Uint8Array[] | undefined>;
}

/** Decoding and encoding, done in child processes. */
export interface MediaWork {
  decode(
    request: DecodeRequest,
    options: { readonly signal?: AbortSignal },
  ): AsyncIterable<DecodedFrame>;
  encode(
    request: EncodeRequest,
    frames: AsyncIterable<Uint8Array>,
    options: { readonly signal?: AbortSignal },
  ): Promise<EncodedFacts>;
}
