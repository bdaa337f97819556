// What passes between the main thread and a lane: one job in, progress and one answer out. Plain data only.

import type { FailureJson } from '../../../common/errors.ts';
import type { GraphForm } from '../../../common/models/graph-form.ts';
import type { Digest, JsonObject } from '../../../common/task.ts';
import type { LoadedModels } from '../../../common/worker-status.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Checkpoint } from '../ports.ts';

/** What a lane needs of a model part; `ModelPart` of common/models fits. */
export interface LaneModel {
  readonly name: string;
  readonly digest: Digest;
  readonly graph?: string;
  /** @default the graph as it is */
  readonly form?: GraphForm | undefined;
  readonly folder?: string;
  readonly config: JsonObject;
}

/** A stage's body to run and all it reads. */
export interface LaneJob {
  readonly stage: string;
  readonly params: unknown;
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Indices, in the render, of the frames that it makes. */
  readonly frames: readonly number[];
  /** By role. */
  readonly models: Readonly<Record<string, LaneModel>>;
  /** @default leaves none, and begins at the beginning */
  readonly checkpoints?: CheckpointPlan | undefined;
}

export interface CheckpointPlan {
  /** About, between two. */
  readonly everySeconds: number;
  /** What it goes on from. */
  readonly resumed: Checkpoint | undefined;
}

export interface LaneResult {
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Of `seconds`, those inside ONNX Runtime's run. */
  readonly busySeconds: number;
  /** From the job's arrival in the lane to its end, loading included. */
  readonly seconds: number;
}

/** How a lane is set up, once. */
export interface LaneSettings {
  /** Threads inside one run. */
  readonly threads: number;
  /** That its models may fill, with what their runs take. */
  readonly memoryLimitBytes: number;
  readonly executionProviders: readonly string[];
}

export type ToLane =
  | {
      readonly kind: 'run';
      readonly job: LaneJob;
      /** One Int32: not 0 once the job is cancelled. */
      readonly cancelled: SharedArrayBuffer;
    }
  /** Release these models. */
  | { readonly kind: 'drop'; readonly digests: readonly Digest[] }
  | { readonly kind: 'close' };

/** What the lane has loaded after a job, or when models were dropped. */
export interface LaneLoad {
  /** Least recently used first. */
  readonly warm: LoadedModels;
  readonly loadedBytes: number;
}

export type FromLane =
  | { readonly kind: 'progress'; readonly step: number; readonly steps: number }
  | { readonly kind: 'checkpoint'; readonly checkpoint: Checkpoint }
  | { readonly kind: 'done'; readonly result: LaneResult; readonly load: LaneLoad }
  | { readonly kind: 'failed'; readonly failure: FailureJson; readonly load: LaneLoad }
  | { readonly kind: 'dropped'; readonly load: LaneLoad };

/**
 * Makes each tensor fit to cross threads without a copy where it can: shared memory stays shared, a tensor that fills its
 * buffer alone is moved (the sender must not use it again), and any other is copied first.
 */
export function tensorsToMove(tensors: Readonly<Record<string, Tensor>>): {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly transfer: readonly ArrayBuffer[];
} {
  const transfer = new Set<ArrayBuffer>();
  const moved = Object.entries(tensors).map(([name, tensor]): [string, Tensor] => {
    const { buffer } = tensor.data;
    if (buffer instanceof SharedArrayBuffer) return [name, tensor];
    const fills = tensor.data.byteLength === buffer.byteLength && !transfer.has(buffer);
    const data = fills ? tensor.data : tensor.data.slice();
    transfer.add(data.buffer as ArrayBuffer);
    return [name, { ...tensor, data } as Tensor];
  });
  return { tensors: Object.fromEntries(moved), transfer: [...transfer] };
}
