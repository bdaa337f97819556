// From the coordinator's view of a job, and a worker's of itself, to the wire's messages.

import type { FailureJson } from '../../../common/errors.ts';
import type { Failure } from '../../../common/gen/bivdiff/v1/failure.ts';
import type { Job, StageCounts } from '../../../common/gen/bivdiff/v1/job.ts';
import type { Worker } from '../../../common/gen/bivdiff/v1/render_service.ts';
import { boundedFailure } from '../../../common/rpc/bounded-failure.ts';
import type { Stage } from '../../../common/task.ts';
import type { WorkerStatus } from '../../../common/worker-status.ts';
import type { JobView } from '../../jobs/known-jobs.ts';
import type { ActiveJob } from '../../run/active-job.ts';
import { seesAll } from '../access/caller.ts';
import type { Caller } from '../access/caller.ts';
import type { JobResults } from './job-results.ts';

/** Of why a job failed, in bytes of JSON: some causes hold whole outputs of programs. */
const FAILURE_BYTES_MAX = 8_000;

/** The job as this caller sees it; of one that is done with what it made. */
export function jobMessage(view: JobView, caller: Caller, results: JobResults): Job {
  const { active } = view;
  const stages = active === undefined ? results.stages : activeStages(active);
  const { outputs, metrics } = results;
  return { ...briefJobMessage(view, caller), stages, outputs, metrics };
}

/** What a list of jobs has of one. */
export function briefJobMessage({ jobId, state, facts, active }: JobView, caller: Caller): Job {
  return {
    id: jobId,
    name: facts.name,
    state,
    priority: facts.priority,
    fraction: state === 'done' ? 1 : (active?.tally.fraction ?? 0),
    secondsLeft: active?.tally.secondsLeft,
    stages: [],
    failure: facts.failure === undefined ? undefined : failureMessage(facts.failure),
    outputs: [],
    metrics: [],
    submittedAtMs: facts.submittedAtMs,
    seconds: facts.seconds,
    owner: seesAll(caller) || facts.owner === caller.owner ? facts.owner : '',
  };
}

export function workerMessage(status: WorkerStatus, setAside: readonly Stage[]): Worker {
  const { gathered, loaded = {} } = status;
  return {
    ...status,
    pools: [...status.pools],
    running: [...status.running],
    loaded: Object.keys(loaded),
    gatherHits: gathered.hits,
    gatherMisses: gathered.misses,
    gatherFallbacks: gathered.fallbacks,
    setAside: [...setAside],
  };
}

function activeStages({ tally }: ActiveJob): StageCounts[] {
  return [...tally.stages].map(([stage, { total, run, reused }]) => {
    return { stage, total, run, reused, running: tally.runningOf(stage) };
  });
}

export function failureMessage(failure: FailureJson): Failure {
  return wireFailure(boundedFailure(failure, FAILURE_BYTES_MAX));
}

function wireFailure(failure: FailureJson): Failure {
  const { code, message, retry, hint = '', details, cause } = failure;
  return {
    code,
    message,
    retry,
    hint,
    detailsJson: JSON.stringify(details),
    cause: cause === undefined ? undefined : wireFailure(cause),
  };
}
