// Which results and artifacts belong to some jobs: what `bivdiff store gc` keeps. The plan is a function of the job,
// so its tasks need not have been written down.

import { BivdiffError } from '../common/errors.ts';
import type { DocumentName, Store } from '../common/store/ports.ts';
import type { Digest, TaskId } from '../common/task.ts';
import type { AcceptedJob } from '../coordinator/domain/job.ts';
import { createPlan } from '../coordinator/domain/plan.ts';

export interface KeptJobs {
  readonly tasks: ReadonlySet<TaskId>;
  readonly artifacts: ReadonlySet<Digest>;
}

/**
 * Finds the tasks and sources of jobs, named by their ids or first digits.
 * @throws not-found — a name fits no job
 * @throws invalid-argument — a name fits several
 */
export async function findKeptJobs(store: Store, names: readonly string[]): Promise<KeptJobs> {
  const tasks = new Set<TaskId>();
  const artifacts = new Set<Digest>();
  for (const name of names) {
    const job = await readJob(store, await findJob(store, name));
    const plan = createPlan(job);
    artifacts.add(job.source.digest);
    for (const stage of plan.stages) {
      for (let index = 0; index < plan.count(stage); index += 1)
        tasks.add(plan.id({ stage, index }));
    }
  }
  return { tasks, artifacts };
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
