// How many seconds a unit of work takes, by stage, from what it took in the jobs that were measured last. Pure.

import { secondsPerUnit } from '../domain/cost.ts';
import type { MeasuredCost } from '../domain/cost.ts';
import type { Stage } from '../../common/task.ts';

/** So many jobs are remembered: work changes with models and machines. */
const JOBS_MAX = 32;
/** A job's own pace counts once it has done so much of a stage, in units; the farm's until then. */
const OWN_UNITS_MIN = 20;

export interface MeasuredJob {
  readonly jobId: string;
  /** Of a frame. */
  readonly pixels: number;
  readonly measured: ReadonlyMap<Stage, MeasuredCost>;
}

export class UnitPaces {
  /** The newest last. */
  readonly #jobs = new Map<string, MeasuredJob>();

  /** What a job has taken so far; replaces what was noted of it before. */
  note(job: MeasuredJob): void {
    if (job.measured.size === 0) return;
    this.#jobs.delete(job.jobId);
    this.#jobs.set(job.jobId, job);
    for (const oldest of this.#jobs.keys()) {
      if (this.#jobs.size <= JOBS_MAX) return;
      this.#jobs.delete(oldest);
    }
  }

  /**
   * Seconds that a unit of this stage takes in a job of such frames: by the job's own tasks, else by those of others, else as in other
   * stages. Undefined while nothing was measured.
   */
  secondsPerUnit(stage: Stage, job: Omit<MeasuredJob, 'jobId'>): number | undefined {
    const own = job.measured.get(stage);
    if (own !== undefined && own.units >= OWN_UNITS_MIN) return own.seconds / own.units;
    const all = new Map<Stage, MeasuredCost>();
    for (const { pixels, measured } of this.#jobs.values()) {
      for (const [measuredStage, { seconds, units }] of measured) {
        const sum = all.get(measuredStage) ?? { seconds: 0, units: 0 };
        const scaled = (units * pixels) / job.pixels;
        all.set(measuredStage, { seconds: sum.seconds + seconds, units: sum.units + scaled });
      }
    }
    return secondsPerUnit(stage, all);
  }
}
