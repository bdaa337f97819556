// Whoever follows one run of a job.

import type { WorkerEvent } from '../../common/bus/ports.ts';
import type { ResultRecord } from '../../common/task.ts';
import type { TaskNumber } from '../domain/task-graph.ts';

/** Told of every change, at once, on the caller's thread. */
export interface JobObserver {
  surveyed(found: ReadonlyMap<TaskNumber, ResultRecord>, missing: readonly TaskNumber[]): void;
  event(task: TaskNumber, event: WorkerEvent): void;
  /** A result was lost and its task will run again. */
  healed?(task: TaskNumber): void;
  /** An attempt failed, and there will be another after `delayMs`. */
  retried?(task: TaskNumber, retry: { readonly delayMs: number }): void;
  /** A worker that ran it was not heard of again; another has begun it. */
  lost?(task: TaskNumber, worker: string): void;
  /** It takes so long on this worker that another was given it too. */
  copied?(task: TaskNumber, worker: string): void;
}

/** Tells both, in order. */
export function observeBoth(one: JobObserver, other: JobObserver): JobObserver {
  return {
    surveyed: (found, missing) => {
      one.surveyed(found, missing);
      other.surveyed(found, missing);
    },
    event: (task, event) => {
      one.event(task, event);
      other.event(task, event);
    },
    healed: (task) => {
      one.healed?.(task);
      other.healed?.(task);
    },
    retried: (task, retry) => {
      one.retried?.(task, retry);
      other.retried?.(task, retry);
    },
    lost: (task, worker) => {
      one.lost?.(task, worker);
      other.lost?.(task, worker);
    },
    copied: (task, worker) => {
      one.copied?.(task, worker);
      other.copied?.(task, worker);
    },
  };
}
