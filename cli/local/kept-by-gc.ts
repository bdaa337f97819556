// Which results and artifacts belong to some jobs: what `bivdiff store gc` keeps, those of a farm without being told. The plan is a function of the job,
// so its tasks need not have been written down.

import { BivdiffError } from '../../common/errors.ts';
import { readPartListing } from '../../common/models/stored-part.ts';
import { artifactsOfSource } from '../../common/sources/source.ts';
import type { Store } from '../../common/store/ports.ts';
import type { Digest, JobId, TaskId } from '../../common/task.ts';
import { modelsOfJob } from '../../recipes/job.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { sourcesOfJob } from '../../recipes/pipeline/job-base.ts';
import { createPlan, tasksOfNode } from '../../coordinator/domain/plan.ts';
import { frameTasks } from '../../coordinator/jobs/finished-frames.ts';
import { isOver, JobLog, submittedJobs } from '../../coordinator/jobs/job-log.ts';
import type { Manifest } from '../../coordinator/jobs/manifest.ts';
import { findJob, readJob } from './find-job.ts';

export interface KeptJobs {
  readonly tasks: ReadonlySet<TaskId>;
  readonly artifacts: ReadonlySet<Digest>;
}

interface Roots {
  readonly tasks: Set<TaskId>;
  readonly artifacts: Set<Digest>;
}

/**
 * What must stay: all of the jobs named by their ids or first digits, and what the jobs of a farm need that uses this store. One that
 * may still run: all of it. One that failed or was cancelled: its source and models, so that it can be tried again, and its
 * finished frames. One that is done: its outputs.
 * @throws not-found — a name fits no job
 * @throws invalid-argument — a name fits several
 */
export async function findKeptJobs(store: Store, names: readonly string[]): Promise<KeptJobs> {
  const roots: Roots = { tasks: new Set(), artifacts: new Set() };
  for (const name of names) {
    const job = await readJob(store, await findJob(store, name));
    await addJob(roots, { store, job, isWhole: true });
  }
  await addFarmJobs(roots, store);
  return roots;
}

async function addFarmJobs(roots: Roots, store: Store): Promise<void> {
  for (const jobId of await submittedJobs(store)) {
    const log = new JobLog(store, jobId);
    await log.read();
    const state = log.facts?.state;
    if (state === undefined) continue;
    if (state === 'done') {
      await addOutputs(roots, store, jobId);
      continue;
    }
    const bytes = await store.getDocument({ kind: 'spec', id: jobId });
    // Without its spec nobody can run it or find its frames: no reason to collect nothing at all.
    if (bytes === undefined) continue;
    const job = JSON.parse(Buffer.from(bytes).toString()) as AcceptedJob;
    await addJob(roots, { store, job, isWhole: !isOver(state) });
  }
}

async function addOutputs({ artifacts }: Roots, store: Store, jobId: JobId): Promise<void> {
  const bytes = await store.getDocument({ kind: 'manifest', id: jobId });
  if (bytes === undefined) return;
  const { outputs } = JSON.parse(Buffer.from(bytes).toString()) as Manifest;
  for (const { digest } of outputs.flatMap((output) => output.artifacts)) artifacts.add(digest);
}

interface RootJob {
  readonly store: Store;
  readonly job: AcceptedJob;
  /** With what every stage makes, not only the finished frames. */
  readonly isWhole: boolean;
}

async function addJob(roots: Roots, { store, job, isWhole }: RootJob): Promise<void> {
  const plan = createPlan(job);
  await addSources(roots, store, job);
  await addModels(roots, store, job);
  const kept = isWhole ? plan.nodes.flatMap(tasksOfNode) : frameTasks(plan);
  for (const ref of kept) roots.tasks.add(plan.id(ref));
}

/** One that is damaged is moved aside by the look, and is no root; nor is what is no listing. */
async function addSources({ artifacts }: Roots, store: Store, job: AcceptedJob): Promise<void> {
  for (const source of sourcesOfJob(job)) {
    const found = await artifactsOfSource(store, source).catch((reason: unknown) => {
      const { code } = BivdiffError.from(reason);
      if (code !== 'data-loss' && code !== 'invalid-argument') throw reason;
      return [];
    });
    for (const digest of found) artifacts.add(digest);
  }
}

/** Only farms have models in their stores. */
async function addModels({ artifacts }: Roots, store: Store, job: AcceptedJob): Promise<void> {
  for (const { digest } of modelsOfJob(job)) {
    const listing = await readPartListing(store, digest);
    for (const file of listing?.files ?? []) artifacts.add(file.digest);
  }
}
