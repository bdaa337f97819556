// Requests that are answered once, all to one subscription. The client's own way makes an error with its stack trace for every answer that
// comes, which costs more than the rest of the request.

import { createInbox, errors } from '@nats-io/transport-node';
import type { Msg, NatsConnection } from '@nats-io/transport-node';

interface Unanswered {
  readonly subject: string;
  readonly untilMs: number;
  readonly resolve: (answer: Msg) => void;
  readonly reject: (reason: Error) => void;
}

export interface RequestsOptions {
  readonly connection: NatsConnection;
  /** What the connection's user may listen to. @default everything */
  readonly inboxPrefix: string | undefined;
  /** How long an answer may take. */
  readonly timeoutMs: number;
}

export class Requests {
  readonly #options: RequestsOptions;
  readonly #inbox: string;
  /** By the last token of the reply subject, oldest first. */
  readonly #unanswered = new Map<string, Unanswered>();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RequestsOptions) {
    this.#options = options;
    this.#inbox = createInbox(options.inboxPrefix);
    options.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => {
        if (error === null) this.#take(msg);
      },
    });
  }

  /**
   * The answer.
   * @throws NoRespondersError, TimeoutError, ClosedConnectionError; PermissionViolationError — see `refused`
   */
  async ask(subject: string, payload: Uint8Array): Promise<Msg> {
    const { connection, timeoutMs } = this.#options;
    const token = (this.#count++).toString(36);
    connection.publish(subject, payload, { reply: `${this.#inbox}.${token}` });
    const untilMs = performance.now() + timeoutMs;
    return new Promise<Msg>((resolve, reject) => {
      this.#unanswered.set(token, { subject, untilMs, resolve, reject });
      this.#timer ??= setTimeout(() => this.#giveUpOld(), timeoutMs);
    });
  }

  /** The server does not let us publish there: it says so of the subject, not of the message. */
  refused(subject: string, reason: Error): void {
    for (const [token, unanswered] of this.#unanswered) {
      if (unanswered.subject === subject) this.#end(token)?.reject(reason);
    }
  }

  /** Nobody answers any more. */
  close(): void {
    clearTimeout(this.#timer);
    for (const token of [...this.#unanswered.keys()]) {
      this.#end(token)?.reject(new errors.ClosedConnectionError());
    }
  }

  #take(msg: Msg): void {
    const unanswered = this.#end(msg.subject.slice(this.#inbox.length + 1));
    if (msg.headers?.code !== 503) unanswered?.resolve(msg);
    else unanswered?.reject(new errors.NoRespondersError(unanswered.subject));
  }

  #giveUpOld(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (const [token, { untilMs }] of this.#unanswered) {
      if (untilMs > nowMs) {
        this.#timer = setTimeout(() => this.#giveUpOld(), Math.ceil(untilMs - nowMs));
        return;
      }
      this.#end(token)?.reject(new errors.TimeoutError());
    }
  }

  #end(token: string): Unanswered | undefined {
    const unanswered = this.#unanswered.get(token);
    this.#unanswered.delete(token);
    return unanswered;
  }
}
