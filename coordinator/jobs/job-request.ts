// The spec that a job was made from, as it was asked for: names in place of digests, the models' defaults left open. For people; nothing is
// decided by it. Of a job that was asked for in several words, the first.

import type { Store } from '../../common/store/ports.ts';
import type { JobId } from '../../common/task.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';

export async function putRequest(store: Store, jobId: JobId, spec: RenderSpec): Promise<void> {
  await store.putDocument({ kind: 'request', id: jobId }, Buffer.from(JSON.stringify(spec)));
}

/** Undefined for a job of a version that kept none. */
export async function readRequest(store: Store, jobId: JobId): Promise<RenderSpec | undefined> {
  const bytes = await store.getDocument({ kind: 'request', id: jobId });
  return bytes === undefined
    ? undefined
    : (JSON.parse(Buffer.from(bytes).toString()) as RenderSpec);
}
