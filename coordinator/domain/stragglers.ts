// Which tasks of a job take far longer than others of their stage did. Bookkeeping only: what is done about it is decided elsewhere.

import type { Stage } from '../../common/task.ts';
import type { FailurePolicy } from './failure-policy.ts';
import type { TaskNumber } from './task-graph.ts';

/** Of a stage, the last so many results tell what is usual. */
const MEASURED_MAX = 64;

export interface Straggler {
  readonly task: TaskNumber;
  readonly worker: string;
}

interface Run {
  readonly worker: string;
  readonly sinceMs: number;
}

export interface StragglersOptions {
  readonly policy: Pick<FailurePolicy, 'copyFactor' | 'copyAfterMs' | 'copyResultsMin'>;
  readonly stageOf: (task: TaskNumber) => Stage;
  /** Expected work of a task, above 0; of one stage they compare. */
  readonly unitsOf: (task: TaskNumber) => number;
}

export class Stragglers {
  readonly #options: StragglersOptions;
  readonly #runs = new Map<TaskNumber, Run>();
  /** Milliseconds per unit of the last results, by stage. */
  readonly #measured = new Map<Stage, number[]>();

  constructor(options: StragglersOptions) {
    this.#options = options;
  }

  /** A worker runs it from now on. */
  begun(task: TaskNumber, worker: string, nowMs: number): void {
    this.#runs.set(task, { worker, sinceMs: nowMs });
  }

  /** It took a worker so long. */
  finished(task: TaskNumber, seconds: number): void {
    const stage = this.#options.stageOf(task);
    const measured = this.#measured.get(stage) ?? [];
    this.#measured.set(stage, measured);
    measured.push((1000 * seconds) / this.#options.unitsOf(task));
    if (measured.length > MEASURED_MAX) measured.shift();
  }

  /** Nobody runs it, or nobody is waited for. */
  over(task: TaskNumber): void {
    this.#runs.delete(task);
  }

  /** Those that have run for so long that a run elsewhere would probably have ended, the longest first. */
  slow(nowMs: number): readonly Straggler[] {
    const { policy, stageOf, unitsOf } = this.#options;
    const usual = new Map<Stage, number>();
    const slow: (Run & Straggler)[] = [];
    for (const [task, run] of this.#runs) {
      const ranMs = nowMs - run.sinceMs;
      if (ranMs < policy.copyAfterMs) continue;
      const stage = stageOf(task);
      let perUnitMs = usual.get(stage);
      if (perUnitMs === undefined) usual.set(stage, (perUnitMs = this.#usualMs(stage)));
      if (ranMs > policy.copyFactor * perUnitMs * unitsOf(task)) slow.push({ ...run, task });
    }
    return slow.sort((a, b) => a.sinceMs - b.sinceMs);
  }

  /** Infinity until enough is known. */
  #usualMs(stage: Stage): number {
    const measured = this.#measured.get(stage) ?? [];
    if (measured.length < this.#options.policy.copyResultsMin) return Infinity;
    return measured.toSorted((a, b) => a - b)[measured.length >> 1]!;
  }
}
