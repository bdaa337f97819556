// What made an output: the job with all its digests, the stages with their cost, and the versions. Plain JSON, one document
// per job; the first one stays.

import { createHash } from 'node:crypto';

import { canonicalJson } from '../../common/canonical-json.ts';
import type { Store } from '../../common/store/ports.ts';
import type { ArtifactRef, JobId, Stage } from '../../common/task.ts';
import { tasksOfStage } from '../domain/plan.ts';
import type { Plan } from '../domain/plan.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import type { AssembleParams } from '../../common/stages.ts';
import type { StageTally } from '../run/job-tally.ts';

export interface ManifestStage {
  readonly tasks: number;
  readonly run: number;
  readonly reused: number;
  /** Wall seconds of the tasks that ran, summed. */
  readonly seconds: number;
  /** Of them, seconds inside ONNX Runtime or a codec. */
  readonly busySeconds: number;
  /** Work of the tasks that ran, in the planner's cost units. */
  readonly units: number;
  /** SHA-256 over the ids of the stage's tasks, in order: the lineage, in short. */
  readonly taskIdsDigest: string;
}

/** One file of a job; of a sequence one picture per frame, in order. */
export interface JobOutput {
  readonly params: AssembleParams;
  readonly artifacts: readonly ArtifactRef[];
}

/** Tasks at once, and threads of each. */
export interface SlotFacts {
  readonly count: number;
  readonly threads: number;
}

export interface Manifest {
  readonly apiVersion: 'bivdiff/v1';
  readonly kind: 'Manifest';
  readonly jobId: JobId;
  readonly job: AcceptedJob;
  readonly outputs: readonly JobOutput[];
  readonly metrics: unknown;
  readonly stages: Readonly<Partial<Record<Stage, ManifestStage>>>;
  readonly workers: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  /** Of the machine that made all of it; absent where a farm did. */
  readonly slots?: SlotFacts;
  readonly createdAt: string;
}

export interface ManifestFacts {
  readonly jobId: JobId;
  readonly plan: Plan;
  readonly stages: ReadonlyMap<Stage, Readonly<StageTally>>;
  readonly outputs: Manifest['outputs'];
  readonly metrics: unknown;
  readonly workers: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  /** Of the machine that made all of it; absent where a farm did. */
  readonly slots?: SlotFacts;
  readonly createdAt: string;
}

export function createManifest(facts: ManifestFacts): Manifest {
  const stages: Partial<Record<Stage, ManifestStage>> = {};
  for (const [stage, tally] of facts.stages) {
    stages[stage] = {
      tasks: tally.total,
      run: tally.run,
      reused: tally.reused,
      seconds: round(tally.seconds),
      busySeconds: round(tally.busySeconds),
      units: round(tally.unitsRun),
      taskIdsDigest: digestOfIds(facts.plan, stage),
    };
  }
  return {
    apiVersion: 'bivdiff/v1',
    kind: 'Manifest',
    jobId: facts.jobId,
    job: facts.plan.job,
    outputs: facts.outputs,
    metrics: facts.metrics,
    stages,
    workers: facts.workers,
    versions: facts.versions,
    ...(facts.slots === undefined ? {} : { slots: facts.slots }),
    createdAt: facts.createdAt,
  };
}

/** The bytes of a manifest's document. */
export function manifestBytes(manifest: Manifest): Uint8Array {
  return Buffer.from(canonicalJson(manifest as never));
}

function digestOfIds(plan: Plan, stage: Stage): string {
  const hash = createHash('sha256');
  for (const ref of tasksOfStage(plan, stage)) hash.update(plan.id(ref));
  return hash.digest('hex');
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** Undefined while the job was never done. */
export async function readManifest(store: Store, jobId: JobId): Promise<Manifest | undefined> {
  const bytes = await store.getDocument({ kind: 'manifest', id: jobId });
  return bytes === undefined ? undefined : (JSON.parse(Buffer.from(bytes).toString()) as Manifest);
}

/** Whether some output of a job that was done is not in the store any more. */
export async function lacksOutputs(store: Store, jobId: JobId): Promise<boolean> {
  const manifest = await readManifest(store, jobId);
  for (const { artifacts } of manifest?.outputs ?? []) {
    for (const { digest } of artifacts) if (!(await store.hasArtifact(digest))) return true;
  }
  return false;
}
