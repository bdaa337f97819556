// A run of a job on whatever farm a test has made, watched by nobody.

import type { WorkerEvent } from '../../../../common/bus/ports.ts';
import type { JobId, TaskId } from '../../../../common/task.ts';
import { DEFAULT_FAILURE_POLICY } from '../../../../coordinator/domain/failure-policy.ts';
import { createPlan } from '../../../../coordinator/domain/plan.ts';
import { createTaskGraph } from '../../../../coordinator/domain/task-graph.ts';
import { wantedTasks } from '../../../../coordinator/run/active-job.ts';
import { JobRun } from '../../../../coordinator/run/job-run.ts';
import type { JobRunOptions } from '../../../../coordinator/run/job-run-options.ts';
import { acceptedJob } from '../../../support/jobs.ts';

type Farm = Pick<JobRunOptions, 'store' | 'bus' | 'clock' | 'out' | 'workers'>;

export function openJobRun(jobId: JobId, farm: Farm, plan = createPlan(acceptedJob())) {
  const graph = createTaskGraph(plan);
  const observer = {
    surveyed: () => undefined,
    event: () => undefined,
    healed: () => undefined,
  };
  const run = new JobRun({ ...farm, jobId, graph, observer, policy: DEFAULT_FAILURE_POLICY });
  return { run, start: () => run.start(wantedTasks(graph)) };
}

/** A worker reports that it has begun an ingest task. */
export function started(taskId: TaskId, worker: string): WorkerEvent {
  return { kind: 'started', taskId, worker, attempt: 1, slot: 0, stage: 'ingest' };
}
