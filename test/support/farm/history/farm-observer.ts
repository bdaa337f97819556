// Hears all that the workers of a farm tell, and answers nothing; says at the end whether it was right.

import { readFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';

import type { NatsConnection } from '@nats-io/transport-node';
import { expect } from 'vitest';

import { decodeEvents } from '../../../../common/bus/nats/messages/worker-events.ts';
import {
  EVENT_SUBJECT,
  PROGRESS_SUBJECT,
  queueSubjects,
  taskOfSubject,
} from '../../../../common/bus/nats/subjects.ts';
import type { WorkerEvent } from '../../../../common/bus/ports.ts';
import { canonicalJson } from '../../../../common/canonical-json.ts';
import { decodeRecord } from '../../../../common/store/envelope.ts';
import type { ResultRecord, Stage, TaskId } from '../../../../common/task.ts';
import { unexplainedStarts } from './extra-starts.ts';
import type { Blow, SeenEvent } from './extra-starts.ts';
import { linesOf, startsIn, unfinishedIn } from './farm-history.ts';
import { queueHere } from '../queue-here.ts';

/** Longest that a job may take in a fault test, recovery included. */
export const JOB_MS = 120_000;

export class FarmObserver {
  /** Every event of a worker, in the order in which it was seen. */
  readonly events: SeenEvent[] = [];
  /** The farm's store: a folder. */
  readonly store: string;
  readonly #connection: NatsConnection;
  readonly #outputs = new Map<TaskId, Set<string>>();
  readonly #listeners = new Set<(event: WorkerEvent) => void>();
  readonly #blows: Blow[] = [];

  constructor(connection: NatsConnection, store: string) {
    this.#connection = connection;
    this.store = store;
    for (const subject of [EVENT_SUBJECT, PROGRESS_SUBJECT]) {
      connection.subscribe(subject, {
        callback: (error, { data }) => {
          if (error === null) for (const event of eventsIn(data)) this.#note(event);
        },
      });
    }
  }

  /** The next event, from now on, that fits. */
  next(fits: (event: WorkerEvent) => boolean): Promise<WorkerEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(listen);
        reject(new Error(`no such event came; seen: ${JSON.stringify(this.history())}`));
      }, JOB_MS);
      const listen = (event: WorkerEvent): void => {
        if (!fits(event)) return;
        clearTimeout(timer);
        this.#listeners.delete(listen);
        resolve(event);
      };
      this.#listeners.add(listen);
    });
  }

  started(stage: Stage): Promise<WorkerEvent> {
    return this.next((event) => event.kind === 'started' && event.stage === stage);
  }

  /** The next task of this stage, as soon as it is published: before any worker has it. */
  published(stage: Stage): Promise<TaskId> {
    return new Promise((resolve) => {
      // One message: who listens for longer hides from publishers that the stream is gone.
      this.#connection.subscribe(queueSubjects(queueHere(stage)), {
        max: 1,
        callback: (_, msg) => {
          resolve(taskOfSubject(msg.subject)!);
        },
      });
    });
  }

  /** This worker is in the middle of a task of several steps, now, and not near its end. */
  inTheMiddle(worker: string): Promise<WorkerEvent> {
    return this.next(
      (event) =>
        event.kind === 'progress' && event.worker === worker && 2 * event.step <= event.steps,
    );
  }

  /** The result of a task that was committed; undefined if it is away. */
  recordOf(taskId: TaskId): ResultRecord | undefined {
    try {
      return decodeRecord(readFileSync(this.#recordPath(taskId, this.store)), taskId);
    } catch {
      return undefined;
    }
  }

  /** Whether the task's result is in the store. */
  async hasRecord(taskId: TaskId, store = this.store): Promise<boolean> {
    return access(this.#recordPath(taskId, store)).then(
      () => true,
      () => false,
    );
  }

  /** What this worker has begun and said no end of. */
  unfinished(worker: string): readonly TaskId[] {
    return unfinishedIn(this.events, worker);
  }

  history(): readonly string[] {
    return linesOf(this.events);
  }

  starts(): ReadonlyMap<TaskId, number> {
    return startsIn(this.events);
  }

  /** Workers that have begun a task. */
  starters(): ReadonlySet<string> {
    const starts = this.events.filter(({ kind }) => kind === 'started');
    return new Set(starts.map(({ worker }) => worker));
  }

  /** Says before it is done that a blow falls, and what it explains; a worker that ends itself may be told of afterwards. */
  strikes(blow: Omit<Blow, 'atMs'>): void {
    this.#blows.push({ ...blow, atMs: performance.now() });
  }

  /** Each task has one result, whoever committed it, and began no more often than once and once more after each thing that explains it. */
  checkHistory(): void {
    for (const { kind } of this.events) expect(kind).not.toBe('diverged');
    for (const made of this.#outputs.values()) expect(made.size).toBe(1);
    const starts = unexplainedStarts(this.events, this.#blows);
    expect(starts, this.history().join('\n')).toEqual([]);
  }

  #note(event: WorkerEvent): void {
    this.events.push({ ...event, seenMs: performance.now() });
    if (event.kind === 'committed') this.#noteOutputs(event.taskId);
    for (const listen of [...this.#listeners]) listen(event);
  }

  /** Every task has one result, whoever committed it and however often it was lost. */
  #noteOutputs(taskId: TaskId): void {
    const record = this.recordOf(taskId);
    if (record === undefined) return;
    const made = this.#outputs.get(taskId) ?? new Set();
    this.#outputs.set(taskId, made.add(canonicalJson(record.outputs)));
  }

  #recordPath(taskId: TaskId, store: string): string {
    return join(store, 'records', taskId.slice(0, 2), `${taskId}.json`);
  }
}

/** None in what is no list of events: a test may send that. */
function eventsIn(data: Uint8Array): readonly WorkerEvent[] {
  try {
    return decodeEvents(data, () => undefined);
  } catch {
    return [];
  }
}
