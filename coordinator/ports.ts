// What the coordinator needs from outside, besides store and bus: time, and who is there to work.

import type { Pool, Stage } from '../common/task.ts';

/** Time as an argument, so that dispatch can be run in virtual time. */
export interface Clock {
  nowMs(): number;
  /** Calls back once after `delayMs`; the returned function calls it off. */
  after(delayMs: number, callback: () => void): () => void;
}

/** Who is there to run tasks. */
export interface Workforce {
  /**
   * Names of the workers that serve a pool now; `any`: of all. With a class: only those whose inference is of it; others may not be
   * able to take a job's tasks. With a size: only those that have as much memory for a task.
   */
  workersOf(pool: Pool, numericsKey?: string, memoryBytes?: number): ReadonlySet<string>;
  /** What a worker has for a task; undefined if it was not heard of lately. */
  memoryOf(worker: string): number | undefined;
  /** Those of them that had room for another task when they were last heard of. */
  idleOf(pool: Pool, numericsKey: string): ReadonlySet<string>;
  /** Those that shall not have tasks of this stage for now. */
  setAside(stage: Stage): readonly string[];
}

/** Where there is but one worker: nobody else can have a task. */
export const LONE_WORKER: Workforce = {
  workersOf: () => new Set(),
  memoryOf: () => undefined,
  idleOf: () => new Set(),
  setAside: () => [],
};

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};
