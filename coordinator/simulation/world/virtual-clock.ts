// Time that passes from one event to the next. What happens often (a task ends) is two numbers in the heap; what happens seldom is
// a callback.

import type { Clock } from '../../ports.ts';
import { EventHeap } from './event-heap.ts';

/** The second number of an entry that is a callback. */
const CALLBACK = -1;

export class VirtualClock implements Clock {
  readonly #heap = new EventHeap();
  readonly #callbacks = new Map<number, () => void>();
  readonly #onEvent: (first: number, second: number) => void;
  #nowMs = 0;
  #nextCallback = 0;

  /** `onEvent` gets what `at` put in, when its time has come. */
  constructor(onEvent: (first: number, second: number) => void) {
    this.#onEvent = onEvent;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const id = this.#nextCallback;
    this.#nextCallback = (id + 1) & 0x7fffffff;
    this.#callbacks.set(id, callback);
    this.#heap.push(this.#nowMs + Math.max(0, delayMs), id, CALLBACK);
    return () => void this.#callbacks.delete(id);
  }

  /** Two numbers, the second not below 0, given to `onEvent` at this time. */
  at(timeMs: number, first: number, second: number): void {
    this.#heap.push(timeMs, first, second);
  }

  /** Goes to the next time at which something happens, and lets all that happens then happen. False when there is nothing more. */
  advance(): boolean {
    if (this.#heap.length === 0) return false;
    this.#nowMs = this.#heap.soonest;
    // What is put in for this same time meanwhile happens too.
    while (this.#heap.soonest <= this.#nowMs) {
      const { first, second } = this.#heap.top;
      this.#heap.pop();
      if (second === CALLBACK) this.#callBack(first);
      else this.#onEvent(first, second);
    }
    return true;
  }

  #callBack(id: number): void {
    const callback = this.#callbacks.get(id);
    this.#callbacks.delete(id);
    callback?.();
  }
}
