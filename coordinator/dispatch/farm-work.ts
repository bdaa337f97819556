// The work of all jobs that shall run, in seconds: what they lack, by how long the like took lately. Kept as sums, so that asking costs
// nothing per job. Told by the dispatcher and by runs; decides nothing.

import type { WorkerEvent } from '../../common/bus/ports.ts';
import { STAGE_FACTS } from '../../common/stage-facts.ts';
import type { JobId, Pool, Stage } from '../../common/task.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { canPlan } from '../../recipes/job.ts';
import type { TaskGraph, TaskNumber } from '../domain/task-graph.ts';
import { taskUnits, workOf } from '../domain/work/job-work.ts';
import { WorkRates } from '../domain/work/work-rates.ts';
import type { WorkKind } from '../domain/work/work-rates.ts';
import type { TaskOutcome } from './dispatcher-options.ts';
import type { JobObserver } from '../run/job-observer.ts';

/** What all jobs together lack of one kind. */
interface Sum {
  readonly kind: WorkKind;
  /** That have some of it; 0: it is forgotten, and with it what rounding has left. */
  jobs: number;
  units: number;
}

type JobWork = Map<Stage, { readonly sum: Sum; units: number }>;

export class FarmWork {
  readonly #onOutcome: ((outcome: TaskOutcome) => void) | undefined;
  readonly #rates = new WorkRates();
  readonly #sums = new Map<string, Sum>();
  readonly #jobs = new Map<JobId, JobWork>();

  /** Told of tasks that were lost with their worker. */
  constructor(onOutcome?: (outcome: TaskOutcome) => void) {
    this.#onOutcome = onOutcome;
  }

  has(jobId: JobId): boolean {
    return this.#jobs.has(jobId);
  }

  /** A job shall run: all of it, as far as is known. One that cannot be planned here is no work. */
  plan(jobId: JobId, job: AcceptedJob): void {
    this.drop(jobId);
    const work: JobWork = new Map();
    this.#jobs.set(jobId, work);
    if (!canPlan(job)) return;
    for (const [stage, { kind, units }] of workOf(job)) {
      const sum = this.#sumOf(kind);
      sum.jobs += 1;
      sum.units += units;
      work.set(stage, { sum, units });
    }
  }

  /** Follows the run of a planned job: from its survey on only what is missing counts, and what is committed does no longer. */
  follow(jobId: JobId, graph: TaskGraph): JobObserver {
    const { plan } = graph;
    const stage = (task: TaskNumber): Stage => graph.stage(task);
    const unitsOf = (task: TaskNumber): number =>
      taskUnits(plan.job, stage(task), plan.framesRun(graph.ref(task)));
    const resumed = new Set<TaskNumber>();
    let isSurveyed = false;
    return {
      surveyed: (_, missing) => {
        if (!isSurveyed) this.#clear(jobId);
        isSurveyed = true;
        for (const task of missing) this.#add(jobId, stage(task), unitsOf(task));
      },
      event: (task, event: WorkerEvent) => {
        if (event.kind === 'started' && event.doneSteps !== undefined) resumed.add(task);
        if (event.kind !== 'committed') return;
        const units = unitsOf(task);
        this.#add(jobId, stage(task), -units);
        const kind = this.#jobs.get(jobId)?.get(stage(task))?.sum.kind;
        // What went on from a checkpoint says little of how long all of it takes.
        if (resumed.delete(task) || kind === undefined) return;
        this.#rates.note(kind, units, event.result.seconds);
      },
      lost: (task) => this.#onOutcome?.({ kind: 'lost', stage: stage(task) }),
    };
  }

  /** It shall not run any more. */
  drop(jobId: JobId): void {
    for (const { sum, units } of this.#jobs.get(jobId)?.values() ?? []) {
      sum.jobs -= 1;
      sum.units -= units;
      if (sum.jobs === 0) this.#sums.delete(keyOf(sum.kind));
    }
    this.#jobs.delete(jobId);
  }

  /** Seconds of one slot that all that is not committed will take, running tasks whole. */
  get secondsByPool(): ReadonlyMap<Pool, number> {
    const seconds = new Map<Pool, number>();
    for (const { kind, units } of this.#sums.values()) {
      const { pool } = STAGE_FACTS[kind.stage];
      const ofKind = Math.max(0, units) * this.#rates.secondsPerUnit(kind);
      seconds.set(pool, (seconds.get(pool) ?? 0) + ofKind);
    }
    return seconds;
  }

  #add(jobId: JobId, stage: Stage, units: number): void {
    const amount = this.#jobs.get(jobId)?.get(stage);
    if (amount === undefined) return;
    amount.units += units;
    amount.sum.units += units;
  }

  #clear(jobId: JobId): void {
    for (const amount of this.#jobs.get(jobId)?.values() ?? []) {
      amount.sum.units -= amount.units;
      amount.units = 0;
    }
  }

  #sumOf(kind: WorkKind): Sum {
    const key = keyOf(kind);
    const sum = this.#sums.get(key) ?? { kind, jobs: 0, units: 0 };
    this.#sums.set(key, sum);
    return sum;
  }
}

function keyOf({ stage, numericsKey, models }: WorkKind): string {
  return `${stage} ${numericsKey} ${models}`;
}
