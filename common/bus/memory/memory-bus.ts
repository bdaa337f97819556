// The bus within one process: queues, leases and events in memory, with the same promises as a real one (at least
// once, redelivery when a lease lapses). Knows nothing of stages or stores.

import { BivdiffError } from '../../errors.ts';
import type { TaskId } from '../../task.ts';
import { keysOfTask, messageKey } from '../message-key.ts';
import type {
  Bus,
  CancelMessage,
  Delivery,
  PullOptions,
  TaskMessage,
  WorkerEvent,
} from '../ports.ts';
import { EventSubscription } from '../event-subscription.ts';

/** Time as an argument, so that leases can lapse in virtual time. */
export interface MemoryBusClock {
  /** Calls back once after `delayMs`; the returned function calls it off. */
  after(delayMs: number, callback: () => void): () => void;
}

export interface MemoryBusOptions {
  /** How long a lease lasts without `working()`. */
  readonly ackWaitMs: number;
  /** Messages of one queue that have not ended. The coordinator keeps queues far shorter. @default 10,000 */
  readonly queueDepthMax?: number;
  /** Events that one listener has not read; then `report` waits. @default 10,000 */
  readonly eventsMax?: number;
  /** @default the real one */
  readonly clock?: MemoryBusClock;
}

export function createMemoryBus(options: MemoryBusOptions): Bus {
  return new MemoryBus(options);
}

/**
 * A published message until it ends.
 * - `waiting`: in its queue
 * - `leased`: a worker has it; goes back to waiting by nak, or when the lease lapses
 * - `delayed`: handed back, waiting after `delayMs`
 * - `ended`: acknowledged or cancelled
 */
interface Entry {
  readonly queue: string;
  readonly message: TaskMessage;
  state: 'waiting' | 'leased' | 'delayed' | 'ended';
  /** Of the current lease. */
  lease: AbortController | undefined;
  isCancelled: boolean;
  /** Calls off the timer of the lease or of the delay. */
  callOff: () => void;
}

interface Puller {
  readonly queues: readonly string[];
  readonly settle: (delivery: Delivery | undefined) => void;
}

const nothing = (): void => undefined;

class MemoryBus implements Bus {
  readonly #ackWaitMs: number;
  readonly #queueDepthMax: number;
  readonly #eventsMax: number;
  readonly #clock: MemoryBusClock;
  /** By queue and key of the message. */
  readonly #entries = new Map<string, Map<string, Entry>>();
  readonly #waiting = new Map<string, Entry[]>();
  readonly #pullers = new Set<Puller>();
  readonly #subscriptions = new Set<EventSubscription>();
  #isClosed = false;

  constructor(options: MemoryBusOptions) {
    this.#ackWaitMs = options.ackWaitMs;
    this.#queueDepthMax = options.queueDepthMax ?? 10_000;
    this.#eventsMax = options.eventsMax ?? 10_000;
    this.#clock = options.clock ?? realClock;
  }

  async publish(queue: string, message: TaskMessage): Promise<void> {
    if (this.#isClosed) {
      throw new BivdiffError('unavailable', `publishing to ${queue}: the bus is closed`);
    }
    if (this.#entriesOf(queue).has(messageKey(message))) return;
    if ((await this.depth(queue)) >= this.#queueDepthMax) {
      throw new BivdiffError(
        'resource-exhausted',
        `publishing task ${message.task.id}: queue ${queue} holds ${this.#queueDepthMax} messages already`,
        { hint: 'Publish fewer at once, or start more workers.', details: { queue } },
      );
    }
    const entry: Entry = {
      queue,
      message,
      state: 'waiting',
      lease: undefined,
      isCancelled: false,
      callOff: nothing,
    };
    this.#entriesOf(queue).set(messageKey(message), entry);
    this.#offer(entry, 'last');
  }

  async depth(queue: string): Promise<number> {
    return this.#entriesOf(queue).size;
  }

  async holds(queue: string, taskId: TaskId): Promise<boolean> {
    return this.#entriesOf(queue).has(taskId);
  }

  events(signal: AbortSignal): AsyncIterable<WorkerEvent> {
    const end = (): void => {
      subscription.end();
    };
    const subscription = new EventSubscription(this.#eventsMax, () => {
      signal.removeEventListener('abort', end);
      this.#subscriptions.delete(subscription);
    });
    this.#subscriptions.add(subscription);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted || this.#isClosed) end();
    return subscription;
  }

  async cancel({ taskIds, jobId }: CancelMessage): Promise<void> {
    const found = [...this.#entries.values()].flatMap((entries) =>
      taskIds.flatMap(keysOfTask).map((key) => entries.get(key)),
    );
    for (const entry of found) {
      if (entry === undefined) continue;
      const { id } = entry.message.task;
      entry.isCancelled = true;
      if (entry.state === 'leased') {
        entry.lease?.abort(
          new BivdiffError('cancelled', `task ${id} of job ${jobId} is cancelled`),
        );
      } else this.#end(entry);
    }
  }

  async pull(queues: readonly string[], options: PullOptions): Promise<Delivery | undefined> {
    const { signal, waitMs } = options;
    if (this.#isClosed || signal?.aborted === true) return undefined;
    return this.#takeFirst(queues) ?? this.#waitFor(queues, { signal, waitMs });
  }

  async report(event: WorkerEvent): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.push(event)));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const puller of [...this.#pullers]) puller.settle(undefined);
    for (const subscription of [...this.#subscriptions]) subscription.end();
    for (const entries of this.#entries.values()) {
      for (const entry of [...entries.values()]) this.#end(entry);
    }
  }

  #entriesOf(queue: string): Map<string, Entry> {
    let entries = this.#entries.get(queue);
    if (entries === undefined) this.#entries.set(queue, (entries = new Map<string, Entry>()));
    return entries;
  }

  #takeFirst(queues: readonly string[]): Delivery | undefined {
    for (const queue of queues) {
      const entry = this.#waiting.get(queue)?.shift();
      if (entry !== undefined) return this.#lease(entry);
    }
    return undefined;
  }

  #waitFor(
    queues: readonly string[],
    options: { readonly waitMs: number; readonly signal: AbortSignal | undefined },
  ): Promise<Delivery | undefined> {
    const { signal, waitMs } = options;
    if (waitMs <= 0) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const settle = (delivery: Delivery | undefined): void => {
        callOff();
        signal?.removeEventListener('abort', giveUp);
        this.#pullers.delete(puller);
        resolve(delivery);
      };
      const giveUp = (): void => {
        settle(undefined);
      };
      const puller: Puller = { queues, settle };
      const callOff = this.#clock.after(waitMs, giveUp);
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#pullers.add(puller);
    });
  }

  /** To the worker that has waited longest for this queue, else to the queue. */
  #offer(entry: Entry, place: 'first' | 'last'): void {
    for (const puller of this.#pullers) {
      if (!puller.queues.includes(entry.queue)) continue;
      puller.settle(this.#lease(entry));
      return;
    }
    entry.state = 'waiting';
    const waiting = this.#waiting.get(entry.queue) ?? [];
    this.#waiting.set(entry.queue, waiting);
    if (place === 'first') waiting.unshift(entry);
    else waiting.push(entry);
  }

  #startLeaseTimer(entry: Entry): void {
    entry.callOff();
    entry.callOff = this.#clock.after(this.#ackWaitMs, () => {
      this.#giveBack(entry, 'first');
    });
  }

  #giveBack(entry: Entry, place: 'first' | 'last'): void {
    entry.callOff();
    entry.lease = undefined;
    if (entry.isCancelled || this.#isClosed) this.#end(entry);
    else this.#offer(entry, place);
  }

  #end(entry: Entry): void {
    entry.callOff();
    entry.callOff = nothing;
    if (entry.state === 'waiting') {
      const waiting = this.#waiting.get(entry.queue);
      const index = waiting?.indexOf(entry) ?? -1;
      if (index >= 0) waiting?.splice(index, 1);
    }
    entry.state = 'ended';
    const entries = this.#entriesOf(entry.queue);
    // It may have been published anew since it ended.
    const key = messageKey(entry.message);
    if (entries.get(key) === entry) entries.delete(key);
  }

  #lease(entry: Entry): Delivery {
    const lease = new AbortController();
    entry.state = 'leased';
    entry.lease = lease;
    this.#startLeaseTimer(entry);
    // The entry may be leased again to somebody else: what this delivery may do depends on whose lease it is.
    const isHeld = (): boolean => entry.state === 'leased' && entry.lease === lease;
    return {
      message: entry.message,
      signal: lease.signal,
      // Even when the lease has lapsed: the result is in the store, so nobody need run it again.
      ack: async () => {
        this.#end(entry);
      },
      ackConfirmed: async () => {
        this.#end(entry);
      },
      nak: async (delayMs) => {
        if (!isHeld()) return;
        if (delayMs <= 0 || entry.isCancelled) {
          this.#giveBack(entry, 'last');
          return;
        }
        entry.callOff();
        entry.lease = undefined;
        entry.state = 'delayed';
        entry.callOff = this.#clock.after(delayMs, () => {
          this.#giveBack(entry, 'last');
        });
      },
      working: async () => {
        if (isHeld()) this.#startLeaseTimer(entry);
        else if (!this.#isClosed) throw leaseLost(entry);
      },
    };
  }
}

function leaseLost(entry: Entry): BivdiffError {
  return new BivdiffError('aborted', `the lease of task ${entry.message.task.id} is lost`, {
    hint: 'The task may run elsewhere too; going on does no harm.',
  });
}

const realClock: MemoryBusClock = {
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};
