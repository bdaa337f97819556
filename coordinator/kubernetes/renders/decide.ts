// What is to be done for the Renders that there are, from them and the jobs that they have. Pure: the same again changes nothing more.

import { isOver } from '../../jobs/job-log.ts';
import { FINALIZER } from './resource.ts';
import type { Render } from './resource.ts';
import type { SeenJob } from './status.ts';

export interface DecideFacts {
  readonly renders: readonly Render[];
  readonly jobOf: (jobId: string) => SeenJob | undefined;
  readonly priorityMax: number;
  /** Since 1970. */
  readonly nowMs: number;
}

export type JobChange =
  | { readonly kind: 'pause' | 'resume' | 'cancel'; readonly jobId: string }
  | { readonly kind: 'priority'; readonly jobId: string; readonly priority: number };

export interface Decision {
  /** New ones, and those that are to go on the farm now: to be accepted and, unless suspended, submitted. */
  readonly take: readonly Render[];
  readonly jobs: readonly JobChange[];
  /** They leave, and nothing of theirs is to be done after the changes of jobs. */
  readonly release: readonly Render[];
  /** Over for as long as they shall be kept. */
  readonly remove: readonly Render[];
  /** They have a job, or had one: their status is as that is. */
  readonly follow: readonly Render[];
}

export function decide({ renders, jobOf, priorityMax, nowMs }: DecideFacts): Decision {
  const staying = renders.filter(({ isLeaving }) => !isLeaving);
  const leaving = renders.filter((one) => one.isLeaving && one.finalizers.includes(FINALIZER));
  const isExpired = ({ status: { finishedAt }, ttlSeconds }: Render): boolean =>
    finishedAt !== undefined &&
    ttlSeconds !== undefined &&
    Date.parse(finishedAt) + 1000 * ttlSeconds <= nowMs;
  const remove = staying.filter(isExpired);
  const others = staying.filter((one) => !isExpired(one));
  const follow = others.filter(isOnFarm);
  const jobs: JobChange[] = [];
  for (const [jobId, sharing] of groupByJob(follow)) {
    const job = jobOf(jobId);
    if (job?.isOurs === true) jobs.push(...changesOf(job, sharing, priorityMax));
  }
  // One that is removed lets its job be: it is over.
  const kept = new Set(staying.filter(isOnFarm).map(({ status }) => status.jobId));
  // Also of one that was submitted and has not been told so yet.
  const left = leaving.filter(({ status }) => status.jobId !== undefined);
  for (const jobId of groupByJob(left).keys()) {
    const job = jobOf(jobId);
    if (job?.isOurs !== true || isOver(job.state) || kept.has(jobId)) continue;
    jobs.push({ kind: 'cancel', jobId });
  }
  return { take: others.filter(isToTake), jobs, release: leaving, remove, follow };
}

function isOnFarm({ status }: Render): boolean {
  return status.jobId !== undefined && status.submittedAt !== undefined;
}

function isToTake(render: Render): boolean {
  const { status, isSuspended } = render;
  if (isOnFarm(render) || status.finishedAt !== undefined) return false;
  return status.jobId === undefined || !isSuspended;
}

/** One job may be of several Renders that ask for the same: it rests when all of them do, and is as urgent as the most urgent. */
function changesOf(
  { jobId, state, priority }: SeenJob,
  sharing: readonly Render[],
  priorityMax: number,
): readonly JobChange[] {
  if (isOver(state)) return [];
  const awake = sharing.filter(({ isSuspended }) => !isSuspended);
  const changes: JobChange[] = [];
  if (awake.length === 0 && state !== 'paused') changes.push({ kind: 'pause', jobId });
  const wanted = Math.max(
    ...(awake.length === 0 ? sharing : awake).map((one) => Math.min(one.priority, priorityMax)),
  );
  if (wanted !== priority) changes.push({ kind: 'priority', jobId, priority: wanted });
  if (awake.length > 0 && state === 'paused') changes.push({ kind: 'resume', jobId });
  return changes;
}

function groupByJob(renders: readonly Render[]): ReadonlyMap<string, readonly Render[]> {
  return Map.groupBy(renders, ({ status }) => status.jobId!);
}
