// What workers report, on its way to the coordinator. It can tell whether the coordinator has taken in everything and waits for
// more: then, and not before, time may go on.

import type { WorkerEvent } from '../../../common/bus/ports.ts';

type Result = IteratorResult<WorkerEvent, undefined>;

const END: Result = { done: true, value: undefined };

export class EventFeed implements AsyncIterableIterator<WorkerEvent> {
  #events: WorkerEvent[] = [];
  #next = 0;
  #reader: ((result: Result) => void) | undefined;
  #hasEnded = false;
  #count = 0;

  /** Events that were pushed, ever. */
  get count(): number {
    return this.#count;
  }

  /** Everything was read, and the reader has come back for more; or it never will. */
  get isRead(): boolean {
    return this.#hasEnded || this.#reader !== undefined;
  }

  push(event: WorkerEvent): void {
    if (this.#hasEnded) return;
    this.#count += 1;
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) this.#events.push(event);
    else reader({ done: false, value: event });
  }

  next(): Promise<Result> {
    const event = this.#events[this.#next];
    if (event !== undefined) {
      this.#next += 1;
      if (this.#next === this.#events.length) {
        this.#events = [];
        this.#next = 0;
      }
      return Promise.resolve({ done: false, value: event });
    }
    if (this.#hasEnded) return Promise.resolve(END);
    return new Promise((resolve) => (this.#reader = resolve));
  }

  /** Called by `for await` when the loop is left. */
  return(): Promise<Result> {
    this.end();
    return Promise.resolve(END);
  }

  end(): void {
    this.#hasEnded = true;
    this.#events = [];
    this.#next = 0;
    this.#reader?.(END);
    this.#reader = undefined;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
