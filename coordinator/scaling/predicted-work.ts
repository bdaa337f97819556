// What is still to do for the jobs of a farm, in seconds of a slot, and when it should be done. Pure.

import { STAGE_FACTS } from '../../common/stage-facts.ts';
import type { JobId, Stage } from '../../common/task.ts';
import type { MeasuredCost, StageLeft } from '../domain/cost.ts';
import type { UnitPaces } from './unit-paces.ts';

/** The pools that have workers of their own. */
export const SCALED_POOLS = ['idm', 'mixer', 'vdm'] as const;
export type ScaledPool = (typeof SCALED_POOLS)[number];

/** A job that shall run, as the coordinator knows it. */
export interface JobAhead {
  readonly jobId: JobId;
  readonly priority: number;
  /** Milliseconds since 1970. */
  readonly submittedAtMs: number;
  readonly numericsKey: string;
  /** Of a frame. */
  readonly pixels: number;
  /** By stage, in pipeline order. */
  readonly left: ReadonlyMap<Stage, StageLeft>;
  /** What its own tasks have taken. */
  readonly measured: ReadonlyMap<Stage, MeasuredCost>;
}

export interface StageSeconds {
  readonly stage: Stage;
  readonly pool: ScaledPool;
  /** Of a slot, for all that is left. */
  readonly seconds: number;
  /** Tasks that are left, and those that the job has in all. */
  readonly tasks: number;
  readonly total: number;
}

/** A job's work, by stage in pipeline order; stages of which nothing is left are there too, with 0 seconds. */
export interface JobWork {
  readonly jobId: JobId;
  /** Seconds from now; below 0 where it is late. */
  readonly dueSeconds: number;
  readonly stages: readonly StageSeconds[];
}

export interface PredictedWork {
  /** In the order in which they get workers. */
  readonly jobs: readonly JobWork[];
  /** Jobs of which nothing tells how long a task takes. */
  readonly unmeasured: number;
}

/** Where nothing was measured a unit takes so long, at frames of so many pixels: a small GPU. It is known better after the first steps. */
const UNMEASURED_SECONDS = 0.1;
const UNMEASURED_PIXELS = 512 * 512;

export interface PredictOptions {
  readonly paces: UnitPaces;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** A job should be complete so long after it came. */
  readonly targetSeconds: number;
}

/** Work that any worker may do is counted as the first pool's: it is little. */
export function predictWork(
  jobs: readonly JobAhead[],
  { paces, nowMs, targetSeconds }: PredictOptions,
): PredictedWork {
  let unmeasured = 0;
  const ordered = jobs.toSorted(
    (a, b) => b.priority - a.priority || a.submittedAtMs - b.submittedAtMs,
  );
  for (const job of jobs) paces.note(job);
  const works = ordered.map((job): JobWork => {
    const stages = [...job.left].map(([stage, { units, tasks, total }]): StageSeconds => {
      const { pool } = STAGE_FACTS[stage];
      const rate = paces.secondsPerUnit(stage, job);
      const seconds = units * (rate ?? (UNMEASURED_SECONDS * job.pixels) / UNMEASURED_PIXELS);
      return { stage, pool: pool === 'any' ? 'idm' : pool, seconds, tasks, total };
    });
    const isGuessed = [...job.left.keys()].some(
      (stage) => paces.secondsPerUnit(stage, job) === undefined,
    );
    if (isGuessed) unmeasured += 1;
    const dueSeconds = targetSeconds - (nowMs - job.submittedAtMs) / 1000;
    return { jobId: job.jobId, dueSeconds, stages };
  });
  return { jobs: works, unmeasured };
}
