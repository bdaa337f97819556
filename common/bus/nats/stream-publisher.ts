// Messages to the stream, each acknowledged by the server. What is published in one turn of the event loop is written together: thousands of
// tasks a second are hundreds of writes.

import { setImmediate as nextTurn } from 'node:timers/promises';

import { JetStreamApiError } from '@nats-io/jetstream';
import type { ApiError } from '@nats-io/jetstream';

import type { Requests } from './requests.ts';

export class StreamPublisher {
  readonly #requests: Requests;
  #thisTurn: Promise<void> | undefined;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Resolves when the stream has it. @throws JetStreamApiError — the stream does not take it; as `Requests.ask` */
  async publish(subject: string, payload: Uint8Array): Promise<void> {
    await (this.#thisTurn ??= this.#endOfTurn());
    const answer = await this.#requests.ask(subject, payload);
    const { error } = answer.json<{ readonly error?: ApiError }>();
    if (error !== undefined) throw new JetStreamApiError(error);
  }

  async #endOfTurn(): Promise<void> {
    await nextTurn();
    this.#thisTurn = undefined;
  }
}
