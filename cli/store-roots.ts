// Which results and artifacts belong to some jobs: what `bivdiff store gc` keeps. The plan is a function of the job,
// so its tasks need not have been written down.

import { BivdiffError } from '../common/errors.ts';
import type { DocumentName, Store } from '../common/store/ports.ts';
import { readPartListing } from '../common/models/stored-part.ts';
import { readListing } from '../common/source.ts';
import type { Digest, JobId, TaskId } from '../common/task.ts';
import type { AcceptedJob } from '../coordinator/domain/job.ts';
import { JobBook } from '../coordinator/job-book.ts';
import { createPlan } from '../coordinator/domain/plan.ts';

export interface KeptJobs {
  readonly tasks: ReadonlySet<TaskId>;
  readonly artifacts: ReadonlySet<Digest>;
}

/**
 * Finds the tasks, sources and model files of jobs: of those named by their ids or first digits, and of every job of a farm that
 * is not over.
 * @throws not-found — a name fits no job
 * @throws invalid-argument — a name fits several
 */
export async function findKeptJobs(store: Store, names: readonly string[]): Promise<KeptJobs> {
  const kept = { tasks: new Set<TaskId>(), artifacts: new Set<Digest>() };
  for (const name of names) {
    await keepJob(store, await readJob(store, await findJob(store, name)), kept);
  }
  for (const jobId of await liveJobs(store)) {
    // One whose spec is damaged cannot go on either: no reason to collect nothing at all.
    const job = await readJob(store, { kind: 'spec', id: jobId }).catch(() => undefined);
    if (job !== undefined) await keepJob(store, job, kept);
  }
  return kept;
}

async function keepJob(
  store: Store,
  job: AcceptedJob,
  kept: { readonly tasks: Set<TaskId>; readonly artifacts: Set<Digest> },
): Promise<void> {
  const plan = createPlan(job);
  kept.artifacts.add(job.source.digest);
  if (job.source.kind === 'folder') {
    // One that is damaged can keep nothing: its job cannot go on either.
    const pictures = await readListing(store, job.source.digest).catch(() => []);
    for (const { digest } of pictures) kept.artifacts.add(digest);
  }
  for (const { digest } of Object.values(job.models)) {
    // Only farms have models in their stores.
    const listing = await readPartListing(store, digest);
    for (const file of listing?.files ?? []) kept.artifacts.add(file.digest);
  }
  for (const stage of plan.stages) {
    for (let index = 0; index < plan.count(stage); index += 1) {
      kept.tasks.add(plan.id({ stage, index }));
    }
  }
}

async function liveJobs(store: Store): Promise<readonly JobId[]> {
  const book = new JobBook(store);
  await book.readAll();
  return book
    .views()
    .filter(({ state }) => !['done', 'failed', 'cancelled'].includes(state))
    .map(({ jobId }) => jobId);
}

async function findJob(store: Store, name: string): Promise<DocumentName> {
  const found = await store.listDocuments('spec', name);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const hint = 'renders print their job; bivdiff render --json has it whole.';
  if (first === undefined) {
    throw new BivdiffError('not-found', `no job in the store begins with ${name}`, { hint });
  }
  throw new BivdiffError('invalid-argument', `${found.length} jobs begin with ${name}`, { hint });
}

async function readJob(store: Store, document: DocumentName): Promise<AcceptedJob> {
  const bytes = await store.getDocument(document);
  if (bytes !== undefined) return JSON.parse(Buffer.from(bytes).toString()) as AcceptedJob;
  throw new BivdiffError('data-loss', `the spec of job ${document.id} is damaged`, {
    hint: 'leave it out of --keep, or render it again.',
  });
}
