// What a job's run is made of: its graph, what it acts on, and who follows it.

import type { CoordinatorBus } from '../../common/bus/ports.ts';
import type { Store } from '../../common/store/ports.ts';
import type { JobId, Pool } from '../../common/task.ts';
import type { FailurePolicy } from '../domain/failure-policy.ts';
import type { TaskGraph } from '../domain/task-graph.ts';
import type { Clock, Workforce } from '../ports.ts';
import type { JobObserver } from './job-observer.ts';
import type { PublishedTasks } from './published-tasks.ts';
import type { SharedHolds } from './shared-holds.ts';

export interface JobRunOptions {
  readonly jobId: JobId;
  readonly graph: TaskGraph;
  readonly store: Store;
  readonly bus: CoordinatorBus;
  readonly clock: Clock;
  readonly policy: FailurePolicy;
  /** What is out on the farm, of all jobs. */
  readonly out: PublishedTasks;
  /** What workers hold, of all jobs. @default of this one, and no worker is told */
  readonly holds?: SharedHolds | undefined;
  /** Who may run tasks. @default one worker alone */
  readonly workers?: Workforce;
  readonly observer: JobObserver;
  /** @default nobody's */
  readonly owner?: string;
  /** Told when there is something ready for a pool that had nothing. */
  readonly onReady?: (pool: Pool) => void;
}
