// What the dispatcher is made of, and what it tells of the farm: for metrics, and for whoever sets how many workers there are.

import type { CoordinatorBus } from '../../common/bus/ports.ts';
import type { BivdiffError, ErrorCode } from '../../common/errors.ts';
import type { Store } from '../../common/store/ports.ts';
import type { Pool, Stage } from '../../common/task.ts';
import type { FailurePolicy } from '../domain/failure-policy.ts';
import type { Share } from '../domain/job-rank.ts';
import type { TaskCounts } from '../domain/work/task-counts.ts';
import type { JobState } from '../jobs/job-log.ts';
import type { Clock } from '../ports.ts';
import type { ActiveJob } from '../run/active-job.ts';
import type { SharedHolds } from '../run/shared-holds.ts';
import type { WorkerRegistry } from './worker-registry.ts';

export interface DispatcherOptions {
  readonly store: Store;
  readonly bus: CoordinatorBus;
  readonly clock: Clock;
  readonly policy: FailurePolicy;
  readonly workers: WorkerRegistry;
  /** As `JobRunOptions.holds`. */
  readonly holds?: SharedHolds | undefined;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Called when every result of a job is there: writes the manifest. */
  readonly conclude: (active: ActiveJob) => Promise<unknown>;
  /** Told of what went wrong and will be tried again: store or bus away, disk full. */
  readonly onTrouble: (error: BivdiffError) => void;
  /** What an owner of jobs may have of the farm. @default equal shares */
  readonly shareOf?: (owner: string) => Share;
  /** Told of how tasks end, each time once or nearly so. @default nobody is */
  readonly onOutcome?: (outcome: TaskOutcome) => void;
}

/**
 * - `committed`: its result is in the store
 * - `failed`: an attempt failed; stopping it is no failure
 * - `lost`: the worker that ran it was not heard of again, and another has begun it
 * - `diverged`: its result has other bytes than the one that was there
 */
export type TaskOutcome =
  | { readonly kind: 'committed'; readonly stage: Stage; readonly seconds: number }
  | { readonly kind: 'failed'; readonly stage: Stage; readonly code: ErrorCode }
  | { readonly kind: 'lost' | 'diverged'; readonly stage: Stage };

/** How the farm stands. */
export interface FarmNumbers {
  /** All that are known. */
  readonly jobs: ReadonlyMap<JobState, number>;
  /** Of active jobs. What two of them need counts twice. */
  readonly tasks: TaskCounts;
  /** Seconds of one slot that everything will take which is not committed, of queued jobs too. */
  readonly workSeconds: ReadonlyMap<Pool, number>;
}
