// What follows when every result of a job is there: its figures are added up and its manifest is put.

import { BivdiffError } from '../../common/errors.ts';
import { passFailurePoint } from '../../common/failure-points/failure-point.ts';
import { meansOf } from '../../common/measures.ts';
import type { ClipMetrics, MeasureSums } from '../../common/measures.ts';
import type { Store } from '../../common/store/ports.ts';
import type { ResultRecord } from '../../common/task.ts';
import { tasksOfStage } from '../domain/plan.ts';
import type { TaskRef } from '../domain/plan.ts';
import { mapBounded } from '../map-bounded.ts';
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

/** Of the results of a clip of a million frames. */
const READS_AT_ONCE = 32;

/** Syncs the outputs and writes the manifest; the first one of a job stays. @throws data-loss — a result, a measured figure or an output is gone */
export async function concludeJob(
  store: Store,
  { jobId, graph, tally }: Pick<ActiveJob, 'jobId' | 'graph' | 'tally'>,
  { versions, slots }: Pick<Manifest, 'versions' | 'slots'>,
): Promise<Conclusion> {
  const { plan } = graph;
  const resultOf = async (ref: TaskRef): Promise<ResultRecord> => {
    const record = await store.getRecord(plan.id(ref));
    if (record !== undefined) return record;
    throw new BivdiffError('data-loss', `the result of ${ref.node} ${ref.index} is gone`);
  };
  const files = await mapBounded(tasksOfStage(plan, 'assemble'), READS_AT_ONCE, resultOf);
  const outputs = plan.job.outputs.map((params, index): JobOutput => {
    return { params, artifacts: files[index]?.outputs['file'] ?? [] };
  });
  const measured = await mapBounded(tasksOfStage(plan, 'measure'), READS_AT_ONCE, async (ref) =>
    readSums(store, await resultOf(ref)),
  );
  const metrics = meansOf(measured.filter((sums) => sums !== undefined));
  const manifest = createManifest({
    jobId,
    plan,
    stages: tally.stages,
    outputs,
    metrics,
    workers: [...tally.workers],
    versions,
    ...(slots === undefined ? {} : { slots }),
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

async function readSums(store: Store, { outputs }: ResultRecord): Promise<MeasureSums | undefined> {
  const ref = outputs['metrics']?.[0];
  if (ref === undefined) return undefined;
  const bytes = await store.getArtifact(ref.digest);
  return JSON.parse(Buffer.from(bytes).toString()) as MeasureSums;
}
