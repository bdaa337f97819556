// From the coordinator's view of a job, and a worker's of itself, to the wire's messages.

import { failureMessage } from '../../common/failure-message.ts';
import type { Job, JobOutput, StageCounts } from '../../common/gen/bivdiff/v1/job.ts';
import type { Worker } from '../../common/gen/bivdiff/v1/render_service.ts';
import type { Store } from '../../common/store/ports.ts';
import type { WorkerStatus } from '../../common/worker-status.ts';
import type { JobView } from '../jobs/known-jobs.ts';
import type { ActiveJob } from '../run/active-job.ts';
import { seesAll } from './access/caller.ts';
import type { Caller } from './access/caller.ts';
import type { WorkerStanding } from '../dispatch/worker-registry.ts';
import { waitsFor } from '../dispatch/waits-for.ts';
import { readManifest } from '../jobs/manifest.ts';
import type { Manifest } from '../jobs/manifest.ts';

export interface JobContext {
  readonly store: Store;
  readonly workers: { readonly alive: readonly WorkerStatus[] };
}

/** The job as this caller sees it; of one that is done with its outputs, read from its manifest. */
export async function jobMessage(
  view: JobView,
  { store, workers }: JobContext,
  caller: Caller,
): Promise<Job> {
  const { jobId, state, facts, active } = view;
  const manifest = state === 'done' ? await readManifest(store, jobId) : undefined;
  return {
    id: jobId,
    name: facts.name,
    state,
    priority: facts.priority,
    fraction: state === 'done' ? 1 : (active?.tally.fraction ?? 0),
    secondsLeft: active?.tally.secondsLeft,
    stages: active !== undefined ? activeStages(active) : manifestStages(manifest),
    failure: facts.failure === undefined ? undefined : failureMessage(facts.failure),
    outputs: outputsOf(manifest),
    metrics: Object.entries(flatten(manifest?.metrics)).map(([name, value]) => ({ name, value })),
    submittedAtMs: facts.submittedAtMs,
    seconds: facts.seconds,
    waitingFor: waitingFor(view, workers.alive),
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

function activeStages({ tally }: ActiveJob): StageCounts[] {
  return [...tally.stages].map(([stage, { total, run, reused }]) => {
    return { stage, total, run, reused, running: tally.runningOf(stage) };
  });
}

function manifestStages(manifest: Manifest | undefined): StageCounts[] {
  return Object.entries(manifest?.stages ?? {}).map(([stage, { tasks, run, reused }]) => ({
    stage,
    total: tasks,
    run,
    reused,
    running: [],
  }));
}

function outputsOf(manifest: Manifest | undefined): JobOutput[] {
  return (manifest?.outputs ?? []).map(({ params: { layout, format }, artifacts }) => ({
    layout,
    format,
    artifacts: artifacts.map(({ digest, bytes, type }) => ({ digest, bytes, type })),
  }));
}

/** `{ flicker: { generated: 1 } }` as `flicker.generated`: 1. What is not a number is left out. */
function flatten(value: unknown, prefix = ''): Record<string, number> {
  if (typeof value === 'number') return { [prefix]: value };
  if (typeof value !== 'object' || value === null) return {};
  const parts = Object.entries(value).map(([name, inner]) =>
    flatten(inner, prefix === '' ? name : `${prefix}.${name}`),
  );
  return Object.assign({}, ...parts) as Record<string, number>;
}
