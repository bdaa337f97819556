// Jobs written into a store as if rendered.

import { canonicalJson } from '../../../common/canonical-json.ts';
import type { DocumentKind, Store } from '../../../common/store/ports.ts';
import type { ArtifactRef, JobId } from '../../../common/task.ts';

/** An output of a job that is done, as its manifest has it. */
export interface RenderedOutput {
  readonly params: {
    readonly layout: string;
    readonly format: string;
    readonly framesPerSecond: number;
  };
  readonly artifacts: readonly ArtifactRef[];
}

export interface WrittenJob {
  readonly id: JobId;
  readonly atMs: number;
  readonly owner?: string;
  readonly end?: object;
  readonly outputs?: readonly RenderedOutput[];
}

/** The clip as pictures. */
export function picturesOutput(artifacts: readonly ArtifactRef[]): RenderedOutput {
  return { params: { layout: 'clip', format: 'png-sequence', framesPerSecond: 8 }, artifacts };
}

export async function putJob(store: Store, job: WrittenJob): Promise<void> {
  const { id, atMs, owner = 'alice', end = { kind: 'done', seconds: 1 }, outputs } = job;
  const put = (kind: DocumentKind, name: string, value: unknown): Promise<unknown> =>
    store.putDocument({ kind, id: name }, Buffer.from(canonicalJson(value as never)));
  await put('job-event', `${id}/000000`, {
    ...{ kind: 'submitted', atMs, name: `at ${atMs}`, priority: 50, owner },
  });
  await put('job-event', `${id}/000001`, { ...end, atMs: atMs + 1 });
  if (outputs === undefined) return;
  const stages = { generate: { tasks: 3, run: 2, reused: 1 } };
  await put('manifest', id, { jobId: id, outputs, stages, metrics: { drift: 0.5 } });
}
