// What happened to the tasks of one job, for its user and for support: the last events that matter, written into the store in segments,
// so that they outlive the coordinator. Nothing is decided by it: what is lost of it is missed by people only.

import type { ErrorCode } from '../../common/errors.ts';
import type { DocumentName, Store } from '../../common/store/ports.ts';
import type { JobId, Stage, TaskId } from '../../common/task.ts';
import { mapBounded } from '../map-bounded.ts';

/** Events of a job that are kept, about: the last ones. */
export const HISTORY_EVENTS_MAX = 2_000;
const SEGMENT_EVENTS_MAX = 200;
/** How long something may be known here alone; that tasks were begun is worth less, and there is much of it. */
const UNWRITTEN_MS_MAX = 10_000;
const UNWRITTEN_BEGUN_MS_MAX = 60_000;
/** Of a failure's message: some hold whole outputs of programs. */
const MESSAGE_LENGTH_MAX = 2_000;
const READS_AT_ONCE = 16;
/** Beside the name that another coordinator may have taken in the same millisecond. */
const SUFFIXES: readonly string[] = ['', 'b', 'c', 'd'];

/**
 * - `begun`: a worker runs it
 * - `failed`: an attempt at it failed
 * - `retried`: it will be published again after `delayMs`
 * - `lost`: a worker that ran it was not heard of again, and another has begun it
 * - `copied`: it takes very long on `worker`, so another was given it too
 * - `healed`: its result was lost, and it runs again
 * - `diverged`: `worker` made other bytes than `otherWorker`, whose stay
 * - `set-aside`: `worker` failed this and others of its stage, and gets none of the stage for a while
 */
export type TaskEventKind =
  'begun' | 'failed' | 'retried' | 'lost' | 'copied' | 'healed' | 'diverged' | 'set-aside';

export interface TaskEvent {
  /** Milliseconds since 1970, by the coordinator's clock. */
  readonly atMs: number;
  /** Counts the events that one coordinator noted. */
  readonly order: number;
  readonly kind: TaskEventKind;
  readonly taskId: TaskId;
  readonly stage: Stage;
  /** First and last frame that it makes. */
  readonly frames?: readonly [number, number];
  readonly worker?: string;
  readonly otherWorker?: string;
  /** From 1. */
  readonly attempt?: number;
  /** Begun: after so many steps, from a checkpoint. */
  readonly doneSteps?: number;
  readonly delayMs?: number;
  readonly failure?: { readonly code: ErrorCode; readonly message: string };
}

export type TaskEventFacts = Omit<TaskEvent, 'atMs' | 'order'>;

export interface JobHistoryOptions {
  readonly store: Store;
  readonly jobId: JobId;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

export class JobHistory {
  readonly #options: JobHistoryOptions;
  readonly #listeners = new Set<(event: TaskEvent) => void>();
  #unwritten: TaskEvent[] = [];
  #writing: Promise<void> = Promise.resolve();
  #order = 0;
  #writtenSinceTrim = 0;

  constructor(options: JobHistoryOptions) {
    this.#options = options;
  }

  add(facts: TaskEventFacts): void {
    const event = { atMs: this.#options.nowMs(), order: this.#order, ...shortened(facts) };
    this.#order += 1;
    this.#unwritten.push(event);
    // The store is away for long: what is oldest goes.
    if (this.#unwritten.length > HISTORY_EVENTS_MAX) this.#unwritten.shift();
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** Calls back at every event from now on; the returned function ends it. */
  listen(listener: (event: TaskEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether there is something that should be written by now. */
  get isDue(): boolean {
    const [oldest] = this.#unwritten;
    if (oldest === undefined) return false;
    if (this.#unwritten.length >= SEGMENT_EVENTS_MAX) return true;
    const ageMs = this.#options.nowMs() - oldest.atMs;
    if (ageMs < UNWRITTEN_MS_MAX) return false;
    return ageMs >= UNWRITTEN_BEGUN_MS_MAX || this.#unwritten.some(({ kind }) => kind !== 'begun');
  }

  /** Writes what the store has not got yet. @throws as the store; then it is still to be written */
  flush(): Promise<void> {
    const written = this.#writing.then(() => this.#write());
    this.#writing = written.catch(() => undefined);
    return written;
  }

  /** The last events, oldest first; those noted meanwhile are the objects that listeners got. */
  async read(): Promise<readonly TaskEvent[]> {
    const { store } = this.#options;
    const events = new Map<string, TaskEvent>();
    const take = (event: TaskEvent): void => {
      if (!events.has(keyOf(event))) events.set(keyOf(event), event);
    };
    // Before the store is read: what is written meanwhile would be found nowhere.
    const unlisten = this.listen(take);
    this.#unwritten.forEach(take);
    try {
      const segments = await this.#segments();
      const found = await mapBounded(segments, READS_AT_ONCE, (name) => store.getDocument(name));
      for (const bytes of found) {
        if (bytes === undefined) continue;
        (JSON.parse(Buffer.from(bytes).toString()) as readonly TaskEvent[]).forEach(take);
      }
    } finally {
      unlisten();
    }
    return [...events.values()].sort(inTime).slice(-HISTORY_EVENTS_MAX);
  }

  /** Takes all of it out of the store. */
  async remove(): Promise<void> {
    this.#unwritten = [];
    await this.#writing;
    for (const name of await this.#segments()) await this.#options.store.deleteDocument(name);
  }

  async #write(): Promise<void> {
    while (this.#unwritten.length > 0) {
      const events = this.#unwritten.slice(0, SEGMENT_EVENTS_MAX);
      await this.#putSegment(events);
      const last = events.at(-1)!.order;
      this.#unwritten = this.#unwritten.filter(({ order }) => order > last);
      this.#writtenSinceTrim += events.length;
    }
    if (this.#writtenSinceTrim >= HISTORY_EVENTS_MAX / 2) await this.#trim();
  }

  /** Put if absent, under the time of its first event; so nobody need know how many there are. */
  async #putSegment(events: readonly TaskEvent[]): Promise<void> {
    const [{ atMs, order }] = events as [TaskEvent];
    const time = String(Math.floor(atMs)).padStart(15, '0');
    const id = `${this.#options.jobId}/${time}-${order}-${events.length}`;
    const bytes = Buffer.from(JSON.stringify(events));
    for (const suffix of SUFFIXES) {
      const name = { kind: 'job-history', id: id + suffix } as const;
      if ((await this.#options.store.putDocument(name, bytes)) === 'created') return;
    }
  }

  /** Removes the oldest segments, as many as leave enough. */
  async #trim(): Promise<void> {
    this.#writtenSinceTrim = 0;
    const segments = (await this.#segments()).toReversed();
    let kept = 0;
    for (const name of segments) {
      if (kept >= HISTORY_EVENTS_MAX) await this.#options.store.deleteDocument(name);
      kept += Number(/-(\d+)[a-z]?$/.exec(name.id)?.[1] ?? 0);
    }
  }

  /** Oldest first. */
  #segments(): Promise<readonly DocumentName[]> {
    const { store, jobId } = this.#options;
    return store.listDocuments('job-history', `${jobId}/`);
  }
}

function shortened(facts: TaskEventFacts): TaskEventFacts {
  const { failure } = facts;
  if (failure === undefined || failure.message.length <= MESSAGE_LENGTH_MAX) return facts;
  const message = `${failure.message.slice(0, MESSAGE_LENGTH_MAX)} ...`;
  return { ...facts, failure: { ...failure, message } };
}

/** Nothing else in one job has the same. */
function keyOf({ atMs, order, taskId }: TaskEvent): string {
  return `${atMs}/${order}/${taskId}`;
}

function inTime(a: TaskEvent, b: TaskEvent): number {
  return a.atMs - b.atMs || a.order - b.order;
}
