// Which workers are set aside: one that fails task after task of a stage at which others succeed is, for that stage and for a while.
// Pure: time is an argument.

import type { FailureJson } from '../../common/errors.ts';
import type { Stage, TaskId } from '../../common/task.ts';
import { isStoreFull } from './failure-policy.ts';
import type { FailurePolicy } from './failure-policy.ts';

export interface FailedAttempt {
  readonly worker: string;
  readonly stage: Stage;
  readonly taskId: TaskId;
  readonly failure: FailureJson;
}

/** A worker's failures at one stage since it last succeeded there. */
interface Row {
  readonly tasks: Set<TaskId>;
  readonly firstMs: number;
  lastMs: number;
  /** Set aside until then; 0: it is not. */
  untilMs: number;
}

interface Success {
  readonly worker: string;
  atMs: number;
}

interface AtStage {
  readonly rows: Map<string, Row>;
  /** The latest of two different workers, newest first: enough to tell whether somebody else succeeds. */
  successes: readonly Success[];
}

type Policy = Pick<FailurePolicy, 'setAsideFailures' | 'setAsideMs'>;

export class SetAsideWorkers {
  readonly #policy: Policy;
  readonly #stages = new Map<Stage, AtStage>();

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /** A worker has committed a task: its row of failures ends. One that is set aside stays so for its time. */
  succeeded(worker: string, stage: Stage, nowMs: number): void {
    const at = this.#at(stage);
    const [newest] = at.successes;
    if (newest?.worker === worker) newest.atMs = nowMs;
    else
      at.successes =
        newest === undefined ? [{ worker, atMs: nowMs }] : [{ worker, atMs: nowMs }, newest];
    const row = at.rows.get(worker);
    if (row !== undefined && row.untilMs <= nowMs) at.rows.delete(worker);
  }

  /** A worker has failed a task; true if it is set aside for that. */
  failed({ worker, stage, taskId, failure }: FailedAttempt, nowMs: number): boolean {
    if (!isOfWorker(failure)) return false;
    const { setAsideFailures, setAsideMs } = this.#policy;
    const at = this.#at(stage);
    this.#forgetOld(at, nowMs);
    let row = at.rows.get(worker);
    if (row === undefined) {
      row = { tasks: new Set(), firstMs: nowMs, lastMs: nowMs, untilMs: 0 };
      at.rows.set(worker, row);
    }
    row.lastMs = nowMs;
    if (row.untilMs > nowMs) return false;
    row.tasks.add(taskId);
    if (row.tasks.size < setAsideFailures) return false;
    const sinceMs = row.firstMs - setAsideMs;
    if (!at.successes.some((one) => one.worker !== worker && one.atMs >= sinceMs)) return false;
    row.untilMs = nowMs + setAsideMs;
    return true;
  }

  /** Who shall not have tasks of this stage now. */
  setAside(stage: Stage, nowMs: number): readonly string[] {
    const rows = this.#stages.get(stage)?.rows;
    if (rows === undefined || rows.size === 0) return [];
    return [...rows].filter(([, row]) => row.untilMs > nowMs).map(([worker]) => worker);
  }

  /** The stages that this worker is set aside for now. */
  stagesWithout(worker: string, nowMs: number): readonly Stage[] {
    return [...this.#stages]
      .filter(([, { rows }]) => (rows.get(worker)?.untilMs ?? 0) > nowMs)
      .map(([stage]) => stage);
  }

  /** Failures that are old, and workers that came back, begin anew; so the rows stay few. */
  #forgetOld(at: AtStage, nowMs: number): void {
    for (const [worker, { lastMs, untilMs }] of at.rows) {
      const isBack = untilMs > 0 && untilMs <= nowMs;
      const isOld = untilMs === 0 && nowMs - lastMs > this.#policy.setAsideMs;
      if (isBack || isOld) at.rows.delete(worker);
    }
  }

  #at(stage: Stage): AtStage {
    let at = this.#stages.get(stage);
    if (at === undefined) this.#stages.set(stage, (at = { rows: new Map(), successes: [] }));
    return at;
  }
}

/** Not the job's (no other attempt helps), nor the store's (it is full, or an input is lost), nor nobody's (it was stopped). */
function isOfWorker(failure: FailureJson): boolean {
  const { code, retry } = failure;
  const isLostInput = code === 'data-loss' && retry !== 'other-worker';
  return retry !== 'never' && !isLostInput && code !== 'cancelled' && !isStoreFull(failure);
}
