// A job in the store, by its id or the beginning of it.

import { BivdiffError } from '../../common/errors.ts';
import type { Store } from '../../common/store/ports.ts';
import type { JobId } from '../../common/task.ts';
import type { AcceptedJob } from '../../recipes/job.ts';

/** @throws not-found — it fits no job @throws invalid-argument — it fits several */
export async function findJob(store: Store, name: string): Promise<JobId> {
  const found = await store.listDocuments('spec', name);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first.id as JobId;
  const hint = 'Renders print their job; bivdiff render --json has it whole.';
  if (first === undefined) {
    throw new BivdiffError('not-found', `no job in the store begins with ${name}`, { hint });
  }
  throw new BivdiffError('invalid-argument', `${found.length} jobs begin with ${name}`, { hint });
}

/** As it was accepted. @throws data-loss — what the store has of it is damaged */
export async function readJob(store: Store, jobId: JobId): Promise<AcceptedJob> {
  const bytes = await store.getDocument({ kind: 'spec', id: jobId });
  if (bytes !== undefined) return JSON.parse(Buffer.from(bytes).toString()) as AcceptedJob;
  throw new BivdiffError('data-loss', `the spec of job ${jobId} is damaged`, {
    hint: 'Leave it out, or render it again.',
  });
}
