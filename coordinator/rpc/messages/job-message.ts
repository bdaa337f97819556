// From the coordinator's view of a job, and a worker's of itself, to the wire's messages.

import type { FailureJson } from '../../../common/errors.ts';
import { failureMessage } from '../../../common/failure-message.ts';
import type { Failure } from '../../../common/gen/bivdiff/v1/failure.ts';
import type { Job, StageCounts } from '../../../common/gen/bivdiff/v1/job.ts';
import type { Worker } from '../../../common/gen/bivdiff/v1/render_service.ts';
import { boundedFailure } from '../../../common/rpc/bounded-failure.ts';
import type { WorkerStatus } from '../../../common/worker-status.ts';
import { waitsFor } from '../../dispatch/waits-for.ts';
import type { WorkerStanding } from '../../dispatch/worker-registry.ts';
import { fractionOf, progressOf } from '../../jobs/job-progress.ts';
import type { JobView } from '../../jobs/known-jobs.ts';
import { seesAll } from '../access/caller.ts';
import type { Caller } from '../access/caller.ts';
import type { JobResults } from './job-results.ts';

/** Of why a job failed, in bytes of JSON: some causes hold whole outputs of programs. */
const FAILURE_BYTES_MAX = 8_000;

/** Who sees a job, and what besides its log shows in it. */
export interface Seen {
  readonly caller: Caller;
  /** Those heard of lately. */
  readonly workers: readonly WorkerStatus[];
}

/** The job as this caller sees it; of one that is done with what it made. */
export function jobMessage(view: JobView, seen: Seen, results: JobResults): Job {
  const stages = view.state === 'done' ? results.stages : stageCounts(view);
  const { outputs, metrics } = results;
  return { ...briefJobMessage(view, seen), stages, outputs, metrics };
}

/** What a list of jobs has of one. */
export function briefJobMessage(view: JobView, { caller, workers }: Seen): Job {
  const { jobId, state, facts, active, seconds } = view;
  return {
    id: jobId,
    name: facts.name,
    state,
    priority: facts.priority,
    fraction: fractionOf(view),
    secondsLeft: active?.tally.secondsLeft,
    stages: [],
    failure: facts.failure === undefined ? undefined : shownFailure(facts.failure),
    outputs: [],
    metrics: [],
    shots: undefined,
    submittedAtMs: facts.submittedAtMs,
    seconds,
    waitingFor: waitingFor(view, workers),
    owner: seesAll(caller) || facts.owner === caller.owner ? facts.owner : '',
  };
}

function waitingFor({ state, numerics }: JobView, workers: readonly WorkerStatus[]): string {
  const isOpen = state === 'queued' || state === 'running';
  return isOpen && numerics !== undefined ? (waitsFor(numerics, workers) ?? '') : '';
}

export function workerMessage(
  status: WorkerStatus,
  { setAside, sharesName }: WorkerStanding,
): Worker {
  const { gathered, loaded = {} } = status;
  return {
    ...status,
    numericsClass: status.numerics.inference,
    pools: [...status.pools],
    running: [...status.running],
    loaded: Object.keys(loaded),
    gatherHits: gathered.hits,
    gatherMisses: gathered.misses,
    gatherFallbacks: gathered.fallbacks,
    setAside: [...setAside],
    sharesName,
  };
}

function stageCounts(view: JobView): StageCounts[] {
  const { state, active } = view;
  return progressOf(view).stages.map((counts) => ({
    ...counts,
    running: state === 'running' ? (active?.tally.runningOf(counts.stage) ?? []) : [],
  }));
}

/** As people read it: bounded, whatever the cause holds. */
export function shownFailure(failure: FailureJson): Failure {
  return failureMessage(boundedFailure(failure, FAILURE_BYTES_MAX));
}
