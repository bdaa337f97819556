// What a simulation found.

import type { Bound } from './lower-bound.ts';
import type { PoolTime } from './slot-ledger.ts';

/** How attempts ended. */
export interface Attempts {
  committed: number;
  failed: number;
  cancelled: number;
  /** With the worker that ran them. */
  lost: number;
}

export interface SimulationResult {
  readonly tasks: number;
  readonly jobsDone: number;
  readonly jobsFailed: number;
  /** Of classes that nobody serves: they wait, and nobody waits for them. */
  readonly jobsUnserved: number;
  /** Virtual seconds from the first submission to the end of the last job. */
  readonly makespanSeconds: number;
  /** Of the jobs that were done. */
  readonly bound: Bound;
  /** By pool, as `WORKER_POOLS` has them. */
  readonly pools: readonly PoolTime[];
  readonly attempts: Readonly<Attempts>;
  readonly deaths: number;
  /** Reports that the coordinator took in. */
  readonly events: number;
  /** What it complained of and tried again; 0 unless something is wrong with it. */
  readonly troubles: number;
  /** Real seconds; not the same from run to run. */
  readonly real: {
    readonly totalSeconds: number;
    /** Of them, in the coordinator: planning, dispatch, its notes of who is alive. */
    readonly coordinatorSeconds: number;
  };
}
