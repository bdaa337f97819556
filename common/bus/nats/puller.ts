// Takes messages from several consumers in an order of preference, over JetStream's pull requests. First the queues that are known to
// hold something are asked, in order; when none gives anything, one request on each waits at the server for whatever comes first.

import { createInbox } from '@nats-io/transport-node';
import type { Msg, NatsConnection } from '@nats-io/transport-node';

import type { PullOptions } from '../ports.ts';
import { consumerOf, isQueueName, STREAM, WAKE_SUBJECT } from './subjects.ts';

const ASK_MS = 2_000;
/** Queues that are not there yet are asked for again this often; a wake says so sooner. */
const MISSING_MS = 1_000;
/** A consumer may not know yet of a message that the stream has taken; one that is asked without waiting then says that it has none. */
const WAIT_MIN_MS = 20;
/** What the server needs to say that a wait is over. */
const EXPIRY_MARGIN_MS = 1_000;
/** A message that the server sent while a wait was given up comes within this time. */
const LATE_MS = 1_000;
const NANOS_PER_MS = 1_000_000;
/**
 * Tokens of a delivered message's reply subject: `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer
 * seq>.<time>.<pending>`; a longer one has domain and account before the stream.
 */
const SHORT_REPLY = 9;
const NO_WAIT = JSON.stringify({ batch: 1, no_wait: true });

/**
 * - `unknown`: not asked yet
 * - `some`: it gave a message, and said that there are more
 * - `empty`: it had none when it was asked last, or gave its last
 * - `missing`: there is no such consumer; asked again from `againMs` on
 */
interface QueueState {
  kind: 'unknown' | 'some' | 'empty' | 'missing';
  againMs: number;
}

/** One standing wait. */
interface Wait {
  readonly queues: readonly string[];
  /** Asks one more queue for its next message. */
  readonly request: (queue: string) => void;
  readonly giveUp: () => void;
}

export class Puller {
  readonly #connection: NatsConnection;
  readonly #states = new Map<string, QueueState>();
  readonly #waits = new Set<Wait>();
  readonly #inboxPrefix: string | undefined;
  readonly #inbox: string;
  /** Who asked for a message of a queue without waiting, by the queue's consumer; first come, first served. */
  readonly #asked = new Map<string, ((msg: Msg) => void)[]>();
  #isClosed = false;

  /** `inboxPrefix`: what the connection's user may listen to. */
  constructor(connection: NatsConnection, inboxPrefix?: string) {
    this.#connection = connection;
    this.#inboxPrefix = inboxPrefix;
    this.#inbox = createInbox(inboxPrefix);
    connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => {
        if (error !== null) return;
        const take = this.#asked.get(consumerThatSent(msg))?.shift() ?? handBack;
        take(msg);
      },
    });
    connection.subscribe(WAKE_SUBJECT, {
      callback: (error, msg) => {
        const queue = msg.string();
        // What is no queue's name is nobody's queue.
        if (error === null && isQueueName(queue)) this.#learn(queue);
      },
    });
  }

  /** What is known of the queues may be wrong now, and requests may be gone: the server was away. */
  forget(): void {
    this.#states.clear();
    for (const wait of this.#waits) for (const queue of wait.queues) wait.request(queue);
  }

  async pull(queues: readonly string[], options: PullOptions): Promise<Msg | undefined> {
    const { signal, waitMs } = options;
    const endsMs = performance.now() + waitMs;
    const isOver = (): boolean => this.#isClosed || signal?.aborted === true;
    while (!isOver()) {
      const asked = waitMs > 0 ? queues.filter((queue) => this.#mayHave(queue)) : queues;
      const msg = await this.#askInOrder(asked, isOver);
      if (msg !== undefined) return msg;
      if (isOver()) return undefined;
      const leftMs = Math.max(endsMs - performance.now(), WAIT_MIN_MS);
      const first = await this.#wait(queues, leftMs, signal);
      if (first !== undefined) return first;
      if (performance.now() >= endsMs) return undefined;
    }
    return undefined;
  }

  close(): void {
    this.#isClosed = true;
    for (const wait of [...this.#waits]) wait.giveUp();
  }

  /** A queue was made: those who wait for others wait for this one too. */
  #learn(queue: string): void {
    this.#states.delete(queue);
    for (const wait of this.#waits) if (wait.queues.includes(queue)) wait.request(queue);
  }

  async #askInOrder(queues: readonly string[], isOver: () => boolean): Promise<Msg | undefined> {
    for (const queue of queues) {
      if (isOver()) return undefined;
      const msg = await this.#ask(queue);
      if (msg !== undefined) return msg;
    }
    return undefined;
  }

  #mayHave(queue: string): boolean {
    const { kind, againMs } = this.#stateOf(queue);
    return kind === 'missing' ? againMs <= performance.now() : kind !== 'empty';
  }

  async #ask(queue: string): Promise<Msg | undefined> {
    const consumer = consumerOf(queue);
    const asked = this.#asked.get(consumer) ?? [];
    this.#asked.set(consumer, asked);
    const answer = new Promise<Msg | undefined>((resolve) => {
      const take = (msg: Msg): void => {
        clearTimeout(timer);
        resolve(msg);
      };
      const timer = setTimeout(() => {
        // A message that comes later is handed back.
        asked.splice(asked.indexOf(take), 1);
        resolve(undefined);
      }, ASK_MS);
      asked.push(take);
    });
    this.#connection.publish(nextSubject(queue), NO_WAIT, { reply: `${this.#inbox}.${consumer}` });
    return this.#take(queue, await answer);
  }

  /**
   * The subscription ends with the first message, at the server too: what another queue would deliver then, the server keeps
   * for somebody else.
   */
  #wait(
    queues: readonly string[],
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Msg | undefined> {
    const there = queues.filter((queue) => this.#stateOf(queue).kind !== 'missing');
    const ms = there.length === queues.length ? waitMs : Math.min(waitMs, MISSING_MS);
    const endsMs = performance.now() + ms;
    const inbox = createInbox(this.#inboxPrefix);
    const queueOf = new Map(queues.map((queue) => [consumerOf(queue), queue]));
    const request = (queue: string): void => {
      const leftMs = Math.ceil(Math.max(WAIT_MIN_MS, endsMs - performance.now()));
      const ask = JSON.stringify({ batch: 1, expires: leftMs * NANOS_PER_MS });
      const reply = `${inbox}.${consumerOf(queue)}`;
      if (!this.#connection.isClosed()) {
        this.#connection.publish(nextSubject(queue), ask, { reply });
      }
    };
    return new Promise((resolve) => {
      const end = (msg?: Msg): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        this.#waits.delete(wait);
        resolve(msg);
      };
      const sub = this.#connection.subscribe(`${inbox}.*`, {
        max: 1,
        callback: (error, msg) => {
          if (error !== null) return;
          if (!this.#waits.has(wait)) handBack(msg);
          else end(this.#take(queueOf.get(consumerThatSent(msg))!, msg));
        },
      });
      const giveUp = (): void => {
        end();
        // What is on its way still comes, and is handed back.
        setTimeout(() => {
          if (!this.#connection.isClosed() && !sub.isClosed()) sub.unsubscribe();
        }, LATE_MS).unref();
      };
      const timer = setTimeout(giveUp, there.length === 0 ? ms : ms + EXPIRY_MARGIN_MS);
      const wait: Wait = { queues, request, giveUp };
      this.#waits.add(wait);
      signal?.addEventListener('abort', giveUp, { once: true });
      for (const queue of there) request(queue);
    });
  }

  /** Learns from what came; undefined if it is only a status. */
  #take(queue: string, msg: Msg | undefined): Msg | undefined {
    const state = this.#stateOf(queue);
    if (msg?.reply !== undefined && msg.reply !== '') {
      state.kind = pendingAfter(msg.reply) === 0 ? 'empty' : 'some';
      return msg;
    }
    // 404 no messages, 408 the wait is over; else nobody is there to answer, or the consumer is gone.
    const code = msg?.headers?.code;
    state.kind = code === 404 || code === 408 ? 'empty' : 'missing';
    state.againMs = performance.now() + MISSING_MS;
    return undefined;
  }

  #stateOf(queue: string): QueueState {
    let state = this.#states.get(queue);
    if (state === undefined) this.#states.set(queue, (state = { kind: 'unknown', againMs: 0 }));
    return state;
  }
}

/** A message that nobody waits for any more goes to another at once. */
function handBack(msg: Msg): void {
  if (msg.reply !== undefined && msg.reply !== '') msg.respond('-NAK');
}

/** A message keeps its own subject; where it comes from stands in its reply subject. A status comes to the inbox's. */
function consumerThatSent({ subject, reply }: Msg): string {
  if (reply === undefined || reply === '') return subject.slice(subject.lastIndexOf('.') + 1);
  const tokens = reply.split('.');
  return tokens[tokens.length > SHORT_REPLY ? 5 : 3]!;
}

/** How many messages the consumer has still to deliver. */
function pendingAfter(reply: string): number {
  const tokens = reply.split('.');
  return Number(tokens[tokens.length > SHORT_REPLY ? 10 : 8]);
}

function nextSubject(queue: string): string {
  return `$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${consumerOf(queue)}`;
}
