// What follows when every result of a job is there: its figures are added up and its manifest is put.

import { BivdiffError } from '../../common/errors.ts';
import { passFailurePoint } from '../../common/failure-points/failure-point.ts';
import { meansOf } from '../../common/measures.ts';
import type { ClipMetrics, MeasureSums } from '../../common/measures.ts';
import type { Store } from '../../common/store/ports.ts';
import type { ResultRecord } from '../../common/task.ts';
import { tasksOfStage } from '../domain/plan.ts';
import type { TaskRef } from '../domain/plan.ts';
import type { ActiveJob } from '../run/active-job.ts';
import { createManifest, manifestBytes } from './manifest.ts';
import type { JobOutput, Manifest } from './manifest.ts';
import { syncArtifacts } from './sync-artifacts.ts';

/** What a finished job amounts to. */
export interface Conclusion {
  readonly outputs: readonly JobOutput[];
  readonly metrics: ClipMetrics;
  readonly manifest: Manifest;
}

/** Syncs the outputs and writes the manifest; the first one of a job stays. @throws data-loss — a measured figure or an output is gone */
export async function concludeJob(
  store: Store,
  { jobId, graph, tally }: Pick<ActiveJob, 'jobId' | 'graph' | 'tally'>,
  versions: Manifest['versions'],
): Promise<Conclusion> {
  const { plan } = graph;
  const resultOf = (ref: TaskRef): ResultRecord => {
    const record = tally.results.get(graph.number(ref));
    if (record !== undefined) return record;
    throw new BivdiffError(
      'internal',
      `the job is over, but ${ref.node} ${ref.index} has no result`,
    );
  };
  const files = tasksOfStage(plan, 'assemble').map(resultOf);
  const outputs = plan.job.outputs.map((params, index): JobOutput => {
    return { params, artifacts: files[index]?.outputs['file'] ?? [] };
  });
  const measured = tasksOfStage(plan, 'measure').map(resultOf);
  const metrics = await readMetrics(store, measured);
  const manifest = createManifest({
    jobId,
    plan,
    stages: tally.stages,
    outputs,
    metrics,
    workers: [...tally.workers],
    versions,
    createdAt: new Date().toISOString(),
  });
  await syncArtifacts(
    store,
    outputs.flatMap(({ artifacts }) => artifacts.map(({ digest }) => digest)),
  );
  await store.putDocument({ kind: 'manifest', id: jobId }, manifestBytes(manifest));
  passFailurePoint('manifest-put');
  return { outputs, metrics, manifest };
}

async function readMetrics(store: Store, records: readonly ResultRecord[]): Promise<ClipMetrics> {
  const sums: MeasureSums[] = [];
  for (const { outputs } of records) {
    const ref = outputs['metrics']?.[0];
    if (ref === undefined) continue;
    const bytes = await store.getArtifact(ref.digest);
    sums.push(JSON.parse(Buffer.from(bytes).toString()) as MeasureSums);
  }
  return meansOf(sums);
}
