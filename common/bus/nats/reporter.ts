// Events on their way to the coordinator: a request that it answers when it has room. What comes up while one is under way goes
// together with the next, so that thousands of events a second are hundreds of messages.

import type { NatsConnection } from '@nats-io/transport-node';

import { BivdiffError } from '../../errors.ts';
import type { WorkerEvent } from '../ports.ts';
import { encodeEvent, joinEvents } from './messages/worker-events.ts';
import { isNoResponders } from './nats-errors.ts';
import type { Requests } from './requests.ts';
import { EVENT_SUBJECT, PROGRESS_SUBJECT } from './subjects.ts';

/** After so many tries events are given up: what they say is in the store, or will be found missing. */
const REPORT_TRIES = 12;
/** Of the events in one message. A failure has some kilobytes, all others about a hundred bytes. */
const TOGETHER_BYTES = 16_384;

interface Pending {
  readonly event: Uint8Array;
  readonly done: () => void;
}

export class Reporter {
  readonly #connection: NatsConnection;
  readonly #requests: Requests;
  readonly #pending: Pending[] = [];
  #isSending = false;
  #isClosed = false;
  /** Ends the wait for the answer to the message that is under way. */
  #giveUp: (() => void) | undefined;

  constructor(connection: NatsConnection, requests: Requests) {
    this.#connection = connection;
    this.#requests = requests;
  }

  /** Resolves when the coordinator has it, or nobody listens; at once for steps and beginnings. */
  async report(event: WorkerEvent): Promise<void> {
    if (this.#isClosed || this.#connection.isClosed()) return;
    const bytes = encodeEvent(event);
    if (event.kind === 'progress') {
      this.#connection.publish(PROGRESS_SUBJECT, joinEvents([bytes]));
      return;
    }
    const isBeginning = event.kind === 'started';
    if (isBeginning && !this.#isSending) {
      this.#connection.publish(EVENT_SUBJECT, joinEvents([bytes]));
      return;
    }
    const sent = new Promise<void>((done) => this.#pending.push({ event: bytes, done }));
    if (!this.#isSending) void this.#sendAll();
    if (!isBeginning) await sent;
  }

  /** The server was away, and with it what was under way or its answer: it is sent again at once, not after the whole wait. */
  resend(): void {
    this.#giveUp?.();
  }

  /** Lets go of everyone who waits. */
  close(): void {
    this.#isClosed = true;
    for (const { done } of this.#pending.splice(0)) done();
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    while (this.#pending.length > 0) {
      const together = this.#pending.splice(0, this.#countTogether());
      await this.#send(joinEvents(together.map(({ event }) => event)));
      for (const { done } of together) done();
    }
    this.#isSending = false;
  }

  /** One at least. */
  #countTogether(): number {
    let bytes = 0;
    const end = this.#pending.findIndex(({ event }, i) => {
      bytes += event.length;
      return i > 0 && bytes > TOGETHER_BYTES;
    });
    return end < 0 ? this.#pending.length : end;
  }

  async #send(payload: Uint8Array): Promise<void> {
    for (let tries = 0; tries < REPORT_TRIES && !this.#isClosed; tries += 1) {
      const { promise: interrupted, reject } = Promise.withResolvers<never>();
      this.#giveUp = () => {
        reject(new BivdiffError('unavailable', 'the server was away'));
      };
      const answered = this.#requests.ask(EVENT_SUBJECT, payload);
      answered.catch(() => undefined);
      interrupted.catch(() => undefined);
      try {
        await Promise.race([answered, interrupted]);
        return;
      } catch (reason) {
        // Nobody listens: a coordinator that comes later looks into the store itself.
        if (isNoResponders(reason) || this.#connection.isClosed()) return;
      }
    }
  }
}
