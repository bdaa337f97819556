// A lease on one JetStream message. The server does not tell a worker that its lease is lost, so the time is kept here.

import type { Msg, NatsConnection } from '@nats-io/transport-node';

import { BivdiffError } from '../../errors.ts';
import type { Delivery, TaskMessage } from '../ports.ts';

/** How long the server may take to confirm a heartbeat, or an end. */
const CONFIRM_MS = 2_000;
const NANOS_PER_MS = 1_000_000;

export interface NatsDeliveryOptions {
  readonly connection: NatsConnection;
  /** What its reply subject takes are acknowledgements. */
  readonly msg: Msg;
  /** What it says. */
  readonly message: TaskMessage;
  readonly ackWaitMs: number;
  readonly onEnd: (delivery: NatsDelivery) => void;
}

export class NatsDelivery implements Delivery {
  readonly message: TaskMessage;
  readonly #options: NatsDeliveryOptions;
  readonly #cancelled = new AbortController();
  #leaseEndsMs: number;
  #hasEnded = false;

  constructor(options: NatsDeliveryOptions) {
    this.#options = options;
    this.message = options.message;
    this.#leaseEndsMs = performance.now() + options.ackWaitMs;
  }

  get signal(): AbortSignal {
    return this.#cancelled.signal;
  }

  /** The task is cancelled: whoever runs it shall stop. */
  cancel(reason: BivdiffError): void {
    this.#cancelled.abort(reason);
  }

  /** Nobody confirms it. One that is lost does no harm: the message comes again, and its result is found in the store. */
  async ack(): Promise<void> {
    if (this.#hasEnded) return;
    this.#end();
    this.#say('+ACK');
  }

  /** The server handles acknowledgements apart from what is published: only its answer says that the next message is taken. */
  async ackConfirmed(): Promise<void> {
    if (this.#hasEnded) return;
    this.#end();
    await this.#isConfirmed('+ACK');
  }

  async nak(delayMs: number): Promise<void> {
    if (this.#hasEnded || !this.#isHeld) return;
    this.#end();
    // Cancelled messages are withdrawn; this one shall not come again either.
    if (this.signal.aborted) this.#say('+TERM');
    else if (delayMs <= 0) this.#say('-NAK');
    else this.#say(`-NAK ${JSON.stringify({ delay: Math.round(delayMs * NANOS_PER_MS) })}`);
  }

  async working(): Promise<void> {
    if (!this.#isHeld) {
      throw new BivdiffError('aborted', `the lease of task ${this.message.task.id} is lost`, {
        hint: 'The task may run elsewhere too; going on does no harm.',
      });
    }
    const askedMs = performance.now();
    // Where the server does not answer the lease runs on, and what lapses is said at the next call.
    if (await this.#isConfirmed('+WPI')) this.#leaseEndsMs = askedMs + this.#options.ackWaitMs;
  }

  get #isHeld(): boolean {
    return performance.now() < this.#leaseEndsMs;
  }

  #end(): void {
    this.#hasEnded = true;
    this.#options.onEnd(this);
  }

  #say(what: string): void {
    const { connection, msg } = this.#options;
    if (!connection.isClosed()) connection.publish(msg.reply!, what);
  }

  async #isConfirmed(what: string): Promise<boolean> {
    const { connection, msg } = this.#options;
    try {
      await connection.request(msg.reply!, what, { timeout: CONFIRM_MS });
      return true;
    } catch {
      return false;
    }
  }
}
