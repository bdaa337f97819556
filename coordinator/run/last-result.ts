// When a job's run before this one was last heard of, by what it has left in the store.

import type { ResultRecord } from '../../common/task.ts';
import type { TaskNumber } from '../domain/task-graph.ts';
import type { JobObserver } from './job-observer.ts';

/** Notes when the last of the results was there that a run found in the store; what it is made of is older. */
export class LastResult implements JobObserver {
  atMs: number | undefined;

  surveyed(found: ReadonlyMap<TaskNumber, ResultRecord>): void {
    for (const { startedAt, seconds } of found.values()) {
      const atMs = Date.parse(startedAt) + 1000 * seconds;
      if (atMs > (this.atMs ?? 0)) this.atMs = atMs;
    }
  }

  event(): void {
    // What comes of this run is no news of the one before.
  }
}
