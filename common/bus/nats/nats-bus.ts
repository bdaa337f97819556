// The bus over NATS JetStream: a work-queue stream in the server's memory, one pull consumer per queue. The stream is
// disposable: whoever publishes makes it anew when it is gone. Events and cancels are plain NATS messages. What comes is checked here: what
// fits no schema is counted and dropped.

import type { JetStreamManager } from '@nats-io/jetstream';
import { PermissionViolationError } from '@nats-io/transport-node';
import type { Msg, NatsConnection } from '@nats-io/transport-node';

import { BivdiffError } from '../../errors.ts';
import type { TaskId } from '../../task.ts';
import { EventSubscription } from '../event-subscription.ts';
import { messageKey } from '../message-key.ts';
import { UNKNOWN_ATTEMPT } from '../ports.ts';
import type {
  Bus,
  CancelMessage,
  Delivery,
  PullOptions,
  TaskMessage,
  WorkerEvent,
} from '../ports.ts';
import { connectToNats, REQUEST_MS } from './connect.ts';
import { flushed } from './flushed.ts';
import type { NatsClients, NatsPlace } from './connect.ts';
import { MalformedCounts } from './malformed-messages.ts';
import type { MalformedMessages } from './malformed-messages.ts';
import { decodeCancel, encodeCancels } from './messages/cancels.ts';
import { decodeEvents } from './messages/worker-events.ts';
import { decodeTaskMessage, encodeTaskMessage } from './messages/task-messages.ts';
import { NatsDelivery } from './nats-delivery.ts';
import { checkPayload, isGone, isThereAlready, natsFailure } from './nats-errors.ts';
import { inboxOf } from './permissions.ts';
import { Puller } from './puller.ts';
import { Reporter } from './reporter.ts';
import { Requests } from './requests.ts';
import { StreamPublisher } from './stream-publisher.ts';
import { TaskStream } from './task-stream.ts';
import {
  CANCEL_SUBJECT,
  consumerOf,
  EVENT_SUBJECT,
  PROGRESS_SUBJECT,
  STREAM,
  taskOfSubject,
  taskSubject,
  WAKE_SUBJECT,
} from './subjects.ts';

export interface NatsBusOptions extends NatsPlace {
  readonly ackWaitMs: number;
  /** Messages of one queue that have not ended. @default 10,000 */
  readonly queueDepthMax?: number;
  /** Events that one listener has not read; then `report` waits. @default 10,000 */
  readonly eventsMax?: number;
  /** Told once a minute and kind of what was dropped since it fits no schema. */
  readonly onMalformed?: (messages: MalformedMessages) => void;
}

/** Connects. @throws unavailable — no server there; unauthenticated — it does not know this user */
export async function openNatsBus(options: NatsBusOptions): Promise<NatsBus> {
  return new NatsBus(options, await connectToNats(options));
}

export class NatsBus implements Bus {
  readonly connection: NatsConnection;
  readonly malformed: MalformedCounts;
  readonly #options: NatsBusOptions;
  readonly #requests: Requests;
  readonly #publisher: StreamPublisher;
  readonly #manager: JetStreamManager;
  readonly #stream: TaskStream;
  readonly #leased = new Set<NatsDelivery>();
  readonly #subscriptions = new Set<EventSubscription>();
  readonly #puller: Puller;
  readonly #reporter: Reporter;
  #isClosed = false;

  /** Use `openNatsBus`. */
  constructor(options: NatsBusOptions, { connection, manager }: NatsClients) {
    this.#options = options;
    this.connection = connection;
    this.malformed = new MalformedCounts((messages) => options.onMalformed?.(messages));
    this.#manager = manager;
    const { user } = options;
    const inboxPrefix = user === undefined ? undefined : inboxOf(user);
    this.#puller = new Puller(connection, inboxPrefix);
    this.#requests = new Requests({ connection, inboxPrefix, timeoutMs: REQUEST_MS });
    this.#publisher = new StreamPublisher(this.#requests);
    this.#reporter = new Reporter(connection, this.#requests);
    this.#stream = new TaskStream({
      manager,
      ackWaitMs: options.ackWaitMs,
      onMade: (queue) => {
        connection.publish(WAKE_SUBJECT, queue);
      },
    });
    void this.#followConnection();
    connection.subscribe(CANCEL_SUBJECT, {
      callback: (error, msg) => {
        if (error !== null) return;
        const cancel = this.malformed.read('cancel', () => decodeCancel(msg.data));
        if (cancel !== undefined) this.#abortLeased(cancel);
      },
    });
  }

  async publish(queue: string, message: TaskMessage): Promise<void> {
    const doing = `publishing task ${message.task.id} to ${queue}`;
    if (this.#isClosed) throw new BivdiffError('unavailable', `${doing}: the bus is closed`);
    const payload = encodeTaskMessage(message);
    checkPayload(payload, this.connection.info);
    try {
      await this.#stream.using(queue, async () => {
        await this.#checkDepth(queue, doing);
        await this.#publisher.publish(taskSubject(queue, messageKey(message)), payload);
      });
    } catch (reason) {
      if (!isThereAlready(reason)) throw natsFailure(reason, doing);
    }
  }

  async depth(queue: string): Promise<number> {
    try {
      const { num_pending, num_ack_pending } = await this.#manager.consumers.info(
        STREAM,
        consumerOf(queue),
      );
      return num_pending + num_ack_pending;
    } catch (reason) {
      if (isGone(reason)) return 0;
      throw natsFailure(reason, `asking how deep ${queue} is`);
    }
  }

  async holds(queue: string, taskId: TaskId): Promise<boolean> {
    try {
      const last_by_subj = taskSubject(queue, taskId);
      const isThere = (await this.#manager.streams.getMessage(STREAM, { last_by_subj })) !== null;
      if (isThere) await this.#stream.renew(queue);
      return isThere;
    } catch (reason) {
      if (isGone(reason) && !this.connection.isClosed()) {
        this.#stream.forget();
        return false;
      }
      throw natsFailure(reason, `looking for task ${taskId} on ${queue}`);
    }
  }

  events(signal: AbortSignal): AsyncIterable<WorkerEvent> {
    const subscription = new EventSubscription(this.#options.eventsMax ?? 10_000, () => {
      signal.removeEventListener('abort', end);
      this.#subscriptions.delete(subscription);
      for (const source of sources) source.unsubscribe();
    });
    const end = (): void => {
      subscription.end();
    };
    const take = (error: Error | null, msg: Msg): void => {
      if (error !== null) return;
      const note = (reason: unknown): void => {
        this.malformed.note('event', reason);
      };
      const events = this.malformed.read('event', () => decodeEvents(msg.data, note)) ?? [];
      const pushed = events.map((event) => subscription.push(event));
      // Beginnings and steps ask for no answer. What fits no schema gets one too, or it would come again.
      if (msg.reply !== undefined) void Promise.all(pushed).then(() => msg.respond());
    };
    const sources = [EVENT_SUBJECT, PROGRESS_SUBJECT].map((subject) =>
      this.connection.subscribe(subject, { callback: take }),
    );
    this.#subscriptions.add(subscription);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted || this.#isClosed) end();
    return subscription;
  }

  async cancel(message: CancelMessage): Promise<void> {
    // What runs shall stop at once, whether or not the stream can be reached.
    this.#tryToTell(message);
    try {
      await this.#stream.withdraw(message.taskIds);
    } catch (reason) {
      // No stream, nothing to withdraw.
      if (!isGone(reason)) throw natsFailure(reason, `cancelling tasks of job ${message.jobId}`);
    }
    // Again, for whoever took one before it was withdrawn.
    this.#tryToTell(message);
    await flushed(this.connection);
  }

  async pull(queues: readonly string[], options: PullOptions): Promise<Delivery | undefined> {
    if (this.#isClosed) return undefined;
    const msg = await this.#puller.pull(queues, options);
    if (msg === undefined) return undefined;
    const message = this.malformed.read('task', () => decodeTaskMessage(msg.data));
    if (message === undefined) {
      await this.#refuse(msg, options.worker);
      return undefined;
    }
    const delivery = new NatsDelivery({
      ...{ connection: this.connection, msg, message },
      ackWaitMs: this.#options.ackWaitMs,
      onEnd: (ended) => this.#leased.delete(ended),
    });
    this.#leased.add(delivery);
    return delivery;
  }

  report(event: WorkerEvent): Promise<void> {
    return this.#reporter.report(event);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#puller.close();
    this.#reporter.close();
    this.#requests.close();
    for (const subscription of [...this.#subscriptions]) subscription.end();
    await flushed(this.connection);
    await this.connection.close();
  }

  /** Ends with the connection. */
  async #followConnection(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === 'reconnect') {
        this.#puller.forget();
        this.#reporter.resend();
      }
      const error = status.type === 'error' ? status.error : undefined;
      if (error instanceof PermissionViolationError && error.operation === 'publish') {
        this.#requests.refused(error.subject, error);
      }
    }
    this.#requests.close();
  }

  /** It does not come again as it is; whoever published it learns why, and gives up after some attempts. */
  async #refuse(msg: Msg, worker: string): Promise<void> {
    msg.respond('+TERM');
    const taskId = taskOfSubject(msg.subject);
    if (taskId === undefined) return;
    const why = `${worker} cannot read the message of the task`;
    const hint =
      'Are coordinator and worker of the same version, and is the NATS server only theirs?';
    const failure = new BivdiffError('failed-precondition', why, { hint }).toJSON();
    await this.report({ kind: 'failed', taskId, worker, attempt: UNKNOWN_ATTEMPT, failure });
  }

  #tryToTell(message: CancelMessage): void {
    // Closed since: what is withdrawn stays so, and nobody hears us.
    if (this.connection.isClosed()) return;
    for (const payload of encodeCancels(message)) this.connection.publish(CANCEL_SUBJECT, payload);
  }

  #abortLeased({ taskIds, jobId }: CancelMessage): void {
    const cancelled = new Set(taskIds);
    for (const delivery of this.#leased) {
      const { id } = delivery.message.task;
      if (!cancelled.has(id)) continue;
      delivery.cancel(new BivdiffError('cancelled', `task ${id} of job ${jobId} is cancelled`));
    }
  }

  async #checkDepth(queue: string, doing: string): Promise<void> {
    const { queueDepthMax } = this.#options;
    if (queueDepthMax === undefined || (await this.depth(queue)) < queueDepthMax) return;
    throw new BivdiffError(
      'resource-exhausted',
      `${doing}: queue ${queue} holds ${queueDepthMax} messages already`,
      { hint: 'Publish fewer at once, or start more workers.', details: { queue } },
    );
  }
}
