// What a worker says of itself on the bus, every few seconds.

import type { Pool, TaskId } from './task.ts';

/** Raised when a message between client, coordinator and worker changes so that an older program would misread it. */
export const PROTOCOL_VERSION = 1;

/** How often a worker says that it is there. Three times silent means gone. */
export const WORKER_BEAT_MS = 2_000;

export interface WorkerStatus {
  readonly protocol: number;
  readonly name: string;
  readonly pools: readonly Pool[];
  /** Tasks at once. */
  readonly slots: number;
  readonly pid: number;
  readonly host: string;
  readonly numericsClass: string;
  readonly running: readonly TaskId[];
  readonly draining: boolean;
  /** Tasks committed since it began. */
  readonly committed: number;
  /** It ends now: the last of its messages. */
  readonly leaving: boolean;
}
