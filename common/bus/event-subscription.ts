// One listener's line of events, of bounded length: who reports waits when the listener does not keep up. Knows nothing
// of queues and leases.

import type { WorkerEvent } from './ports.ts';

interface BlockedReport {
  readonly event: WorkerEvent;
  readonly admit: () => void;
}

export class EventSubscription implements AsyncIterableIterator<WorkerEvent> {
  readonly #lengthMax: number;
  readonly #onEnd: () => void;
  #events: WorkerEvent[] = [];
  #blocked: BlockedReport[] = [];
  #readers: ((result: IteratorResult<WorkerEvent, undefined>) => void)[] = [];
  #hasEnded = false;

  constructor(lengthMax: number, onEnd: () => void) {
    this.#lengthMax = lengthMax;
    this.#onEnd = onEnd;
  }

  /** Resolves when there is room for it, or nobody listens any more. Progress is left out where there is no room. */
  async push(event: WorkerEvent): Promise<void> {
    if (this.#hasEnded) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader({ done: false, value: event });
      return;
    }
    if (this.#events.length < this.#lengthMax) {
      this.#events.push(event);
      return;
    }
    if (event.kind === 'progress') return;
    await new Promise<void>((admit) => this.#blocked.push({ event, admit }));
  }

  next(): Promise<IteratorResult<WorkerEvent, undefined>> {
    const event = this.#events.shift();
    if (event !== undefined) {
      this.#admitBlocked();
      return Promise.resolve({ done: false, value: event });
    }
    if (this.#hasEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** Called by `for await` when the loop is left. */
  return(): Promise<IteratorResult<WorkerEvent, undefined>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the iteration at once: what was not read yet is dropped. Idempotent. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#events = [];
    for (const { admit } of this.#blocked.splice(0)) admit();
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined });
    this.#onEnd();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #admitBlocked(): void {
    const blocked = this.#blocked.shift();
    if (blocked === undefined) return;
    this.#events.push(blocked.event);
    blocked.admit();
  }
}
