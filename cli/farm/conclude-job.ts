// What follows when every result of a cluster's job is there: its figures are added up and its manifest is put.

import { BivdiffError } from '../../common/errors.ts';
import type { Store } from '../../common/store/ports.ts';
import type { ResultRecord, Stage } from '../../common/task.ts';
import type { LiveJob } from '../../coordinator/live-job.ts';
import { createManifest, manifestBytes } from '../../coordinator/manifest.ts';
import type { Manifest } from '../../coordinator/manifest.ts';
import type { RenderMetrics, RenderOutput } from '../farm.ts';
import { readMetrics } from './metrics.ts';
import { programVersions } from './versions.ts';

/** What a finished job amounts to. */
export interface Conclusion {
  readonly outputs: readonly RenderOutput[];
  readonly metrics: RenderMetrics;
  readonly manifest: Manifest;
}

/** Writes the manifest; the first one of a job stays. @throws data-loss — a measured figure is gone */
export async function concludeJob(
  store: Store,
  { jobId, graph, tally }: Pick<LiveJob, 'jobId' | 'graph' | 'tally'>,
): Promise<Conclusion> {
  const resultOf = (stage: Stage, index: number): ResultRecord => {
    const record = tally.results.get(graph.number({ stage, index }));
    if (record !== undefined) return record;
    throw new BivdiffError('internal', `the job is over, but ${stage} ${index} has no result`);
  };
  const outputs = graph.plan.job.outputs.map((params, index): RenderOutput => {
    return { params, artifacts: resultOf('assemble', index).outputs['file'] ?? [] };
  });
  const measured = Array.from({ length: graph.plan.count('measure') }, (_, index) =>
    resultOf('measure', index),
  );
  const metrics = await readMetrics(store, measured);
  const manifest = createManifest({
    jobId,
    plan: graph.plan,
    stages: tally.stages,
    outputs,
    metrics,
    workers: [...tally.workers],
    versions: programVersions(),
    createdAt: new Date().toISOString(),
  });
  await store.putDocument({ kind: 'manifest', id: jobId }, manifestBytes(manifest));
  return { outputs, metrics, manifest };
}
