// Active jobs that wait for workers that are not there: who watches such a job should know, and whoever runs the farm.

import { BivdiffError } from '../../common/errors.ts';
import { numericsKeyOf } from '../../common/stage-facts.ts';
import type { JobId } from '../../common/task.ts';
import type { WorkerStatus } from '../../common/worker-status.ts';
import type { JobEntry } from '../jobs/known-jobs.ts';
import { waitsFor } from './waits-for.ts';

export class AwaitedWorkers {
  readonly #onTrouble: (error: BivdiffError) => void;
  /** For which workers each job waits. */
  readonly #awaited = new Map<JobId, string>();

  constructor(onTrouble: (error: BivdiffError) => void) {
    this.#onTrouble = onTrouble;
  }

  /** Tells the watchers of a job when what it waits for has changed, and says it once to whoever runs the farm. */
  look(entries: Iterable<JobEntry>, alive: readonly WorkerStatus[]): void {
    // A farm has a handful of classes.
    const awaitedBy = new Map<string, string | undefined>();
    for (const entry of entries) {
      const { numerics, jobId } = entry;
      if (numerics === undefined) continue;
      const key = numericsKeyOf(numerics);
      if (!awaitedBy.has(key)) awaitedBy.set(key, waitsFor(numerics, alive));
      const awaited = awaitedBy.get(key);
      if (awaited === this.#awaited.get(jobId)) continue;
      entry.notify();
      if (awaited === undefined) this.#awaited.delete(jobId);
      else {
        this.#awaited.set(jobId, awaited);
        if (alive.length > 0) this.#say(jobId, awaited);
      }
    }
  }

  forget(jobId: JobId): void {
    this.#awaited.delete(jobId);
  }

  #say(jobId: JobId, awaited: string): void {
    const message = `job ${jobId.slice(0, 12)} waits for ${awaited}`;
    const hint =
      'Other workers would make other bits. Start such workers, or restart the coordinator with --numerics and the class of the workers that are there, and submit the job again.';
    this.#onTrouble(new BivdiffError('failed-precondition', message, { hint }));
  }
}
