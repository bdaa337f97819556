// Takes messages from several consumers in an order of preference. JetStream's pull requests know one consumer each, so
// the queues are asked in turn without waiting; a plain message says when to ask again.

import type { Msg, NatsConnection } from '@nats-io/transport-node';

import type { PullOptions } from '../ports.ts';
import { consumerOf, STREAM, WAKE_SUBJECT } from './subjects.ts';

/** Redelivered messages wake nobody: the queues are asked this often anyway. */
const POLL_MS = 250;
const ASK_MS = 2_000;
const NO_WAIT = JSON.stringify({ batch: 1, no_wait: true });

export class Puller {
  readonly #connection: NatsConnection;
  readonly #waiting = new Set<() => void>();
  /** Counts what was published, so that a message that comes while queues are asked is not missed. */
  #published = 0;
  /** What the last vain round had seen, by the list of queues. */
  readonly #vain = new Map<string, { readonly published: number; readonly atMs: number }>();
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    connection.subscribe(WAKE_SUBJECT, {
      callback: () => {
        this.#published += 1;
        this.#wake();
      },
    });
  }

  async pull(queues: readonly string[], options: PullOptions): Promise<Msg | undefined> {
    const endsMs = performance.now() + options.waitMs;
    for (;;) {
      if (this.#isClosed || options.signal?.aborted === true) return undefined;
      const msg = await this.#inTurn(() => this.#ask(queues, options.signal));
      if (msg !== undefined) return msg;
      const leftMs = endsMs - performance.now();
      if (leftMs <= 0) return undefined;
      await this.#pause(Math.min(leftMs, POLL_MS), options.signal);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** One asks at a time: what the first finds empty, the others need not ask. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #ask(queues: readonly string[], signal?: AbortSignal): Promise<Msg | undefined> {
    const key = queues.join();
    const vain = this.#vain.get(key);
    if (vain?.published === this.#published && performance.now() - vain.atMs < POLL_MS / 2) {
      return undefined;
    }
    const published = this.#published;
    for (const queue of queues) {
      if (this.#isClosed || signal?.aborted === true) return undefined;
      const msg = await this.#askOne(queue);
      if (msg !== undefined) return msg;
    }
    this.#vain.set(key, { published, atMs: performance.now() });
    return undefined;
  }

  async #askOne(queue: string): Promise<Msg | undefined> {
    try {
      const subject = `$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${consumerOf(queue)}`;
      const msg = await this.#connection.request(subject, NO_WAIT, {
        timeout: ASK_MS,
        // JetStream's messages keep their own subject; the shared inbox would not know whose they are.
        noMux: true,
      });
      // Without a reply subject it is a status: no message now, or no such consumer any more.
      return msg.reply === undefined || msg.reply === '' ? undefined : msg;
    } catch {
      // No such consumer yet, or no server now: there is nothing to take, and the next round asks again.
      return undefined;
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #pause(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      signal?.addEventListener('abort', wake, { once: true });
      this.#waiting.add(wake);
    });
  }
}
