// Which jobs a caller sees and may change. A job of others is as if it were not there.

import { BivdiffError } from '../../../common/errors.ts';
import type { JobId } from '../../../common/task.ts';
import type { Coordinator } from '../../coordinator.ts';
import type { JobView, Sees } from '../../jobs/known-jobs.ts';
import { seesAll } from './caller.ts';
import type { Caller } from './caller.ts';

export function scopeOf(caller: Caller): Sees {
  return seesAll(caller) ? () => true : ({ owners }) => owners.includes(caller.owner);
}

/**
 * The job of this id that the caller may change.
 * @throws not-found, invalid-argument — as Coordinator.get
 * @throws permission-denied — another owner has submitted the same render before
 */
export function changeableJob(coordinator: Coordinator, caller: Caller, id: string): JobId {
  const { jobId, facts } = coordinator.get(id, scopeOf(caller));
  if (seesAll(caller) || facts.owner === caller.owner) return jobId;
  throw new BivdiffError(
    'permission-denied',
    `job ${jobId.slice(0, 12)} is another owner's too, who submitted the same render first`,
    {
      hint: 'You may watch it and fetch what it makes; only that owner or an operator changes it.',
    },
  );
}

/** Ids of the jobs that are done and that the caller sees, newest first. */
export function doneJobs(coordinator: Coordinator, caller: Caller): readonly JobId[] {
  const isDone = ({ state }: JobView): boolean => state === 'done';
  return coordinator
    .list(scopeOf(caller))
    .filter(isDone)
    .map(({ jobId }) => jobId);
}
