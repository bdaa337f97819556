// A task that is out on the farm: where, for whom, and when it is looked for.

import type { TaskMessage } from '../../common/bus/ports.ts';
import type { JobId, Pool } from '../../common/task.ts';

/** Who needs a task that is out: a run of a job. */
export interface Needer {
  readonly jobId: JobId;
  /** Whose job it is. */
  readonly owner: string;
}

/** Where a task is published, and who may take it. */
export interface Place {
  readonly queue: string;
  readonly pool: Pool;
  /** Of the job's numerics classes. */
  readonly numericsKey: string;
}

export interface PublishedTask extends Place {
  readonly owner: string;
  readonly needers: Needer[];
  message: TaskMessage;
  hasCopy: boolean;
  /** When to look for it; Infinity while it waits for its next attempt, and no message of it is on its way. */
  lookMs: number;
  patienceMs: number;
}
