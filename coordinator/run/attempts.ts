// How the attempts at one job's tasks went: how many there were, who failed one, who began and never said how it ended.

import type { TaskId } from '../../common/task.ts';
import type { TaskNumber } from '../domain/task-graph.ts';

const NOBODY: readonly string[] = [];

export class Attempts {
  readonly #counts: Uint16Array;
  readonly #inVain = new Map<TaskNumber, number>();
  readonly #excluded = new Map<TaskNumber, string[]>();
  /** Who runs a task, as far as they said. More than one, or than two with a copy: all but the last are lost. */
  readonly #starters = new Map<TaskId, string[]>();
  readonly #copied = new Set<TaskId>();

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

  /** Somebody began it; gives those who had begun it before and were not heard of again. */
  begun(taskId: TaskId, worker: string): readonly string[] {
    // What is not answered in time is said again.
    const others = (this.#starters.get(taskId) ?? []).filter((name) => name !== worker);
    this.#starters.set(taskId, [...others, worker]);
    return this.#copied.has(taskId) ? others.slice(0, -1) : others;
  }

  /** Somebody said how it ended. */
  ended(taskId: TaskId, worker: string): void {
    const others = (this.#starters.get(taskId) ?? []).filter((name) => name !== worker);
    if (others.length === 0) this.#starters.delete(taskId);
    else this.#starters.set(taskId, others);
  }

  /** Two may run it at once. */
  copied(taskId: TaskId): void {
    this.#copied.add(taskId);
  }

  forget(taskId: TaskId): void {
    this.#starters.delete(taskId);
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
