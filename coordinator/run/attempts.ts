// How the attempts at one job's tasks went: how many there were, who failed one, who began and never said how it ended.

import { UNKNOWN_ATTEMPT } from '../../common/bus/ports.ts';
import type { WorkerEvent } from '../../common/bus/ports.ts';
import type { TaskId } from '../../common/task.ts';
import type { TaskNumber } from '../domain/task-graph.ts';

const NOBODY: readonly string[] = [];

export class Attempts {
  readonly #counts: Uint16Array;
  readonly #inVain = new Map<TaskNumber, number>();
  readonly #excluded = new Map<TaskNumber, string[]>();
  /** Who runs a task, as far as they said. More than one, or than two with a copy: all but the last are lost. */
  readonly #starters = new Map<TaskId, string[]>();
  /** Steps that the newest checkpoint stands for, as far as whoever began there said. */
  readonly #doneSteps = new Map<TaskId, number>();
  readonly #copied = new Set<TaskId>();
  /** Attempts of a task that have failed. */
  readonly #failed = new Map<TaskNumber, Set<number>>();
  /** What workers have said of failures and divergences. */
  readonly #told = new Set<string>();

  constructor(tasks: number) {
    this.#counts = new Uint16Array(tasks);
  }

  /** Counts one more; from 1. */
  next(task: TaskNumber): number {
    return ++this.#counts[task]!;
  }

  /** All there were. */
  count(task: TaskNumber): number {
    return this.#counts[task]!;
  }

  /** Those that say something about the task: without the ones that only found no room. */
  failures(task: TaskNumber): number {
    return this.count(task) - (this.#inVain.get(task) ?? 0);
  }

  /** One of them was no fault of the task's or the worker's, or came to one that is too small, or a copy. */
  doesNotCount(task: TaskNumber): void {
    this.#inVain.set(task, (this.#inVain.get(task) ?? 0) + 1);
  }

  /**
   * Somebody began it, from a checkpoint after so many steps: whoever made that has not died in vain, nor those before. Gives who was lost
   * with it just now, and all that were lost since it last got on.
   */
  begun(
    taskId: TaskId,
    worker: string,
    doneSteps = 0,
  ): { readonly lostNow: string | undefined; readonly lost: readonly string[] } {
    // What is not answered in time is said again.
    const others = (this.#starters.get(taskId) ?? []).filter((name) => name !== worker);
    const lost = this.#copied.has(taskId) ? others.slice(0, -1) : others;
    const lostNow = lost.at(-1);
    const hasGotOn = doneSteps > (this.#doneSteps.get(taskId) ?? 0);
    if (hasGotOn) this.#doneSteps.set(taskId, doneSteps);
    this.#starters.set(taskId, hasGotOn ? [worker] : [...others, worker]);
    return { lostNow, lost: hasGotOn ? [] : lost };
  }

  /** Whether a worker has said this before: reports may come twice, also late. To be asked once of each. */
  isToldAgain(task: TaskNumber, event: WorkerEvent): boolean {
    const { kind, taskId, worker } = event;
    if (kind === 'started') {
      const hasGotOn = (event.doneSteps ?? 0) > (this.#doneSteps.get(taskId) ?? 0);
      const isOpen = this.#starters.get(taskId)?.includes(worker) === true && !hasGotOn;
      return isOpen || this.#told.has(`failed ${task} ${worker} ${event.attempt}`);
    }
    // One that was stopped may begin the same attempt again.
    if (kind === 'failed' && event.failure.code === 'cancelled') return false;
    if (kind !== 'diverged' && (kind !== 'failed' || event.attempt === UNKNOWN_ATTEMPT))
      return false;
    const said = `${kind} ${task} ${worker} ${kind === 'failed' ? event.attempt : ''}`;
    if (this.#told.has(said)) return true;
    this.#told.add(said);
    return false;
  }

  /** Somebody said how it ended. */
  ended(taskId: TaskId, worker: string): void {
    const others = (this.#starters.get(taskId) ?? []).filter((name) => name !== worker);
    if (others.length === 0) this.#starters.delete(taskId);
    else this.#starters.set(taskId, others);
  }

  /** Whether somebody has begun it and not said how it ended. */
  isRunning(taskId: TaskId): boolean {
    return this.#starters.has(taskId);
  }

  /** Notes that this attempt has failed; false if that was known: reports may come twice. Which one it was may not be known. */
  failed(task: TaskNumber, attempt: number): boolean {
    if (attempt === UNKNOWN_ATTEMPT) return true;
    const failed = this.#failed.get(task) ?? new Set();
    this.#failed.set(task, failed);
    if (failed.has(attempt)) return false;
    failed.add(attempt);
    // Attempts of an earlier run of the job, or of another job, are none of this one's, and their numbers are used.
    const others = attempt - this.count(task);
    if (others > 0) {
      this.#counts[task] = attempt;
      this.#inVain.set(task, (this.#inVain.get(task) ?? 0) + others);
    }
    return true;
  }

  /** Two may run it at once. */
  copied(taskId: TaskId): void {
    this.#copied.add(taskId);
  }

  forget(taskId: TaskId): void {
    this.#starters.delete(taskId);
    this.#doneSteps.delete(taskId);
    this.#copied.delete(taskId);
  }

  exclude(task: TaskNumber, worker: string): void {
    this.#excluded.set(task, [...(this.#excluded.get(task) ?? []), worker]);
  }

  /** Who failed it and shall not have it again. */
  excludedWorkers(task: TaskNumber): readonly string[] {
    return this.#excluded.get(task) ?? NOBODY;
  }
}
