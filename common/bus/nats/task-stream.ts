// The stream of tasks and its consumers, one per queue. Disposable: made when first needed, and anew when they are gone.

import { AckPolicy, DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import type { JetStreamManager, PurgeBySeq } from '@nats-io/jetstream';

import { Gate } from '../../gate.ts';
import type { TaskId } from '../../task.ts';
import { keysOfTask } from '../message-key.ts';
import { isGone, isOtherwise } from './nats-errors.ts';
import { consumerOf, queueSubjects, STREAM, subjectsOfTask, TASK_SUBJECTS } from './subjects.ts';

const NANOS_PER_MS = 1_000_000;
/** How often a queue that keeps messages is looked after. */
const RENEW_MS = 5_000;
/** Messages of all queues. The coordinator keeps them far fewer; this bounds the server's memory. */
const STREAM_MESSAGES_MAX = 100_000;

/** So many tasks are withdrawn without a look at what there is. */
const UNSEEN_MAX = 16;
/** The server takes them one after the other: more would only wait there, for longer than an answer may take. */
const PURGES_AT_ONCE = 256;

const STREAM_CONFIG = {
  name: STREAM,
  subjects: [TASK_SUBJECTS],
  retention: RetentionPolicy.Workqueue,
  storage: StorageType.Memory,
  max_msgs: STREAM_MESSAGES_MAX,
  // Each task has a subject of its own, so a task that is on its way is not put there twice, whoever publishes it.
  max_msgs_per_subject: 1,
  discard: DiscardPolicy.New,
  discard_new_per_subject: true,
};

export interface TaskStreamOptions {
  readonly manager: JetStreamManager;
  readonly ackWaitMs: number;
  /** Told that a queue was made. */
  readonly onMade: (queue: string) => void;
}

export class TaskStream {
  readonly #options: TaskStreamOptions;
  readonly #queues = new Map<string, Promise<void>>();
  readonly #madeMs = new Map<string, number>();
  /** Counts how often all was seen to be gone. */
  #losses = 0;

  constructor(options: TaskStreamOptions) {
    this.#options = options;
  }

  /** It was seen to be gone. */
  forget(): void {
    this.#losses += 1;
    this.#queues.clear();
  }

  /** A message was seen to lie there: somebody else may have made the stream anew, but not this queue. Looks now and then. */
  async renew(queue: string): Promise<void> {
    if (performance.now() - (this.#madeMs.get(queue) ?? 0) < RENEW_MS) return;
    this.#queues.delete(queue);
    await this.#ensureQueue(queue);
  }

  /** Makes stream and consumer if need be; once more where they turn out to be gone. */
  async using(queue: string, action: () => Promise<void>): Promise<void> {
    let losses = this.#losses;
    try {
      await this.#ensureQueue(queue);
      await action();
    } catch (reason) {
      if (!isGone(reason)) throw reason;
      this.forget();
      losses = this.#losses;
      await this.#ensureQueue(queue);
      await action();
    }
    // The stream was made anew meanwhile, for another queue: without a consumer nobody would get what was put there.
    if (losses !== this.#losses) await this.#ensureQueue(queue);
  }

  /**
   * Takes out all messages of these tasks. Where it is not known in which queue a message is, the server compares all that it has, for each
   * task: a list of them is soon had for less, and says what there is to take out.
   */
  async withdraw(taskIds: readonly TaskId[]): Promise<void> {
    const { streams } = this.#options.manager;
    const purges =
      taskIds.length <= UNSEEN_MAX
        ? taskIds.flatMap(subjectsOfTask).map((filter) => ({ filter }))
        : await this.#purgesOf(taskIds);
    const gate = new Gate(PURGES_AT_ONCE);
    await Promise.all(purges.map((purge) => gate.run(() => streams.purge(STREAM, purge))));
  }

  /** Of the messages of these tasks that are there: one of each, or one for a queue that has no others. */
  async #purgesOf(taskIds: readonly TaskId[]): Promise<readonly PurgeBySeq[]> {
    const keys = new Set(taskIds.flatMap(keysOfTask));
    const { state } = await this.#options.manager.streams.info(STREAM, {
      subjects_filter: TASK_SUBJECTS,
    });
    const queues = new Map<string, { readonly ours: string[]; hasOthers: boolean }>();
    for (const subject of Object.keys(state.subjects ?? {})) {
      const dot = subject.lastIndexOf('.');
      const queue = queues.get(subject.slice(0, dot)) ?? { ours: [], hasOthers: false };
      queues.set(subject.slice(0, dot), queue);
      if (keys.has(subject.slice(dot + 1))) queue.ours.push(subject);
      else queue.hasOthers = true;
    }
    // What comes meanwhile has a higher number.
    const seq = state.last_seq + 1;
    return [...queues].flatMap(([queue, { ours, hasOthers }]) =>
      hasOthers || ours.length === 0
        ? ours.map((filter) => ({ filter, seq }))
        : [{ filter: `${queue}.*`, seq }],
    );
  }

  #ensureQueue(queue: string): Promise<void> {
    const known = this.#queues.get(queue);
    if (known !== undefined) return known;
    const made = this.#makeQueue(queue);
    this.#queues.set(queue, made);
    this.#madeMs.set(queue, performance.now());
    made.catch(() => this.#queues.delete(queue));
    return made;
  }

  async #makeQueue(queue: string): Promise<void> {
    const { manager, ackWaitMs, onMade } = this.#options;
    try {
      await manager.streams.add(STREAM_CONFIG);
    } catch (reason) {
      if (!isOtherwise(reason)) throw reason;
      // Another version made it; what it held is published again.
      await manager.streams.delete(STREAM);
      await manager.streams.add(STREAM_CONFIG);
    }
    await manager.consumers.add(STREAM, {
      durable_name: consumerOf(queue),
      filter_subject: queueSubjects(queue),
      ack_policy: AckPolicy.Explicit,
      ack_wait: ackWaitMs * NANOS_PER_MS,
      max_ack_pending: -1,
      max_deliver: -1,
    });
    onMade(queue);
  }
}
