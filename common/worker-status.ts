// What a worker says of itself on the bus, every few seconds, and what it asks of others.

import type { NumericsClasses } from './stage-facts.ts';
import type { Digest, Pool, Stage, TaskId } from './task.ts';

/** How often a worker says that it is there. */
export const WORKER_BEAT_MS = 2_000;

/** Three times silent means gone. */
export const WORKER_SILENT_MS = 3 * WORKER_BEAT_MS;

/** A worker that was asked to rest takes no tasks for so long. Then it does again: whoever asked may be gone. */
export const REST_SECONDS = 60;

/** Tensors that a worker read for its tasks, by where they came from. */
export interface GatherTally {
  /** Straight from the worker that made them, or they were its own. */
  hits: number;
  /** From the store: who made them serves nothing, or has them no longer. */
  misses: number;
  /** From the store: who made them was gone, too slow, or sent other bytes. */
  fallbacks: number;
}

/** By digest of the model part: milliseconds that loading it took. */
export type LoadedModels = Readonly<Record<Digest, number>>;

export interface WorkerStatus {
  readonly protocol: number;
  readonly name: string;
  readonly pools: readonly Pool[];
  /** Tasks at once. */
  readonly slots: number;
  readonly pid: number;
  readonly host: string;
  readonly numerics: NumericsClasses;
  /** What the models of one task may fill of its device. */
  readonly memoryBytes: number;
  readonly running: readonly TaskId[];
  /** In any of its lanes. @default nothing: an older worker, or one without models */
  readonly loaded?: LoadedModels;
  /** It takes no more tasks: it ends, or it was asked to rest. */
  readonly draining: boolean;
  /** Tasks committed since it began. */
  readonly committed: number;
  /** HOST:PORT where other workers can have what it made, after `grpcs://` if by mutual TLS; absent if it serves nothing. */
  readonly address?: string | undefined;
  readonly gathered: Readonly<GatherTally>;
  /** It ends now: the last of its messages. */
  readonly leaving: boolean;
}

/** Where a worker serves what it made. */
export interface ServedAt {
  /** As `WorkerStatus.address`. */
  readonly address: string;
  /** The machine that it is on. */
  readonly host: string;
}

/** A task that a worker has got and would have to load models for: what would that take which it would not take elsewhere? */
export interface LoadingQuestion {
  /** Who asks. */
  readonly worker: string;
  readonly stage: Stage;
  readonly numericsClass: string;
  readonly memoryBytes: number;
  readonly excludedWorkers: readonly string[];
  /** Model parts that the task needs. */
  readonly models: readonly Digest[];
  /** Those that the worker has loaded. */
  readonly loaded: readonly Digest[];
}
