// What is to do for the jobs that shall run, in numbers: what the scaler predicts from.

import { numericsKeyOf } from '../../common/stage-facts.ts';
import type { Stage } from '../../common/task.ts';
import type { MeasuredCost } from '../domain/cost.ts';
import type { JobEntry } from '../jobs/known-jobs.ts';
import type { JobAhead } from '../scaling/predicted-work.ts';

const NOTHING: ReadonlyMap<Stage, MeasuredCost> = new Map();

/** Jobs whose specs were not read yet are left out: that takes a moment. */
export function jobsAhead(queued: Iterable<JobEntry>): readonly JobAhead[] {
  const jobs: JobAhead[] = [];
  for (const { jobId, log, numerics, size, active } of queued) {
    if (numerics === undefined || size === undefined || log.facts === undefined) continue;
    const { priority, submittedAtMs } = log.facts;
    jobs.push({
      ...{ jobId, priority, submittedAtMs, pixels: size.pixels },
      numericsKey: numericsKeyOf(numerics),
      // Before the store was looked into, nothing is known to be there.
      left: active?.tally.left ?? size.work,
      measured: active?.tally.measured ?? NOTHING,
    });
  }
  return jobs;
}
