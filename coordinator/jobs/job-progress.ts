// How far a job is, as people see it: while it runs from its run, else from its log, which keeps where the last run was left.

import type { JobProgress } from './job-log.ts';
import type { JobView } from './known-jobs.ts';

type Seen = Pick<JobView, 'state' | 'facts' | 'active'>;

/** 0 to 1 of the work, by estimated cost. What a run before this one did counts, if the job was resumed. */
export function fractionOf({ state, facts, active }: Seen): number {
  if (state === 'done') return 1;
  const before = facts.progress?.fraction ?? 0;
  // One that was paused a moment ago may still be active: what its run did is in its log already.
  if (state !== 'running' || active === undefined) return before;
  return before + (1 - before) * active.tally.fraction;
}

/** Stages and fraction; of a job that is done its manifest has the stages. */
export function progressOf(view: Seen): JobProgress {
  const { state, facts, active } = view;
  const fraction = fractionOf(view);
  // Until its survey a run counts every task as reused.
  const isCounted = state === 'running' && active?.tally.left !== undefined;
  if (!isCounted) return { fraction, stages: facts.progress?.stages ?? [] };
  const stages = [...active.tally.stages].map(([stage, { total, run, reused }]) => {
    return { stage, total, run, reused };
  });
  return { fraction, stages };
}
