// The tasks that could run now, least priority number first; ties by task number. A binary heap.

import type { TaskNumber } from './task-graph.ts';

export class ReadyQueue {
  readonly #priority: (task: TaskNumber) => number;
  readonly #heap: { readonly task: TaskNumber; readonly priority: number }[] = [];

  constructor(priority: (task: TaskNumber) => number) {
    this.#priority = priority;
  }

  get size(): number {
    return this.#heap.length;
  }

  push(task: TaskNumber): void {
    this.#heap.push({ task, priority: this.#priority(task) });
    this.#rise(this.#heap.length - 1);
  }

  pop(): TaskNumber | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined) return undefined;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink(0);
    }
    return first.task;
  }

  /** It could not run after all. Looks at all that there are. */
  remove(task: TaskNumber): void {
    const place = this.#heap.findIndex((one) => one.task === task);
    const last = place < 0 ? undefined : this.#heap.pop();
    if (last === undefined || place === this.#heap.length) return;
    this.#heap[place] = last;
    this.#rise(place);
    this.#sink(place);
  }

  #rise(from: number): void {
    let child = from;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#before(child, parent)) break;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #sink(from: number): void {
    let parent = from;
    for (;;) {
      const left = 2 * parent + 1;
      if (left >= this.#heap.length) return;
      const right = left + 1;
      const child = right < this.#heap.length && this.#before(right, left) ? right : left;
      if (!this.#before(child, parent)) return;
      this.#swap(child, parent);
      parent = child;
    }
  }

  #before(a: number, b: number): boolean {
    const one = this.#heap[a]!;
    const other = this.#heap[b]!;
    return (
      one.priority < other.priority || (one.priority === other.priority && one.task < other.task)
    );
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b]!, this.#heap[a]!];
  }
}
