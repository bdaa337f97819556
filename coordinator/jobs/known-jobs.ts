// The jobs that a coordinator knows: found by id, watched. Knows their logs, not how they run.

import { setImmediate } from 'node:timers/promises';

import { BivdiffError } from '../../common/errors.ts';
import type { Store } from '../../common/store/ports.ts';
import type { NumericsClasses } from '../../common/stage-facts.ts';
import type { JobId, Stage } from '../../common/task.ts';
import { canPlan } from '../../recipes/job.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { workOfPlan } from '../domain/cost.ts';
import type { StageLeft } from '../domain/cost.ts';
import { createPlan } from '../domain/plan.ts';
import { JobHistory } from './job-history.ts';
import { entryCounts, JobLog } from './job-log.ts';
import type { JobFacts, JobState, OnState } from './job-log.ts';
import type { ActiveJob } from '../run/active-job.ts';
import { RunTime } from './run-time.ts';
import { mapBounded } from '../map-bounded.ts';

/** Logs are small, and on S3 each read is a round trip; clients wait meanwhile. */
const READS_AT_ONCE = 32;
const READS_TOGETHER = 100;

/** A job as the coordinator sees it now. */
export interface JobView {
  readonly jobId: JobId;
  readonly state: JobState;
  readonly facts: JobFacts;
  /** While it runs here. */
  readonly active: ActiveJob | undefined;
  /** For how long it has run, by now. */
  readonly seconds: number;
  /** Of a job that was queued here; of others nobody asks. */
  readonly numerics: NumericsClasses | undefined;
}

export interface KnownJobsOptions {
  readonly store: Store;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** Where a job stands in the list of all: it stays there. */
export interface JobPlace {
  readonly submittedAtMs: number;
  readonly jobId: JobId;
}

export function placeOf({ jobId, facts }: JobView): JobPlace {
  return { jobId, submittedAtMs: facts.submittedAtMs };
}

/** Of one millisecond by their ids. */
function newestFirst(a: JobPlace, b: JobPlace): number {
  return b.submittedAtMs - a.submittedAtMs || (a.jobId < b.jobId ? -1 : Number(a.jobId > b.jobId));
}

/** Which jobs somebody may know of. */
export type Sees = (facts: JobFacts) => boolean;

const seesAny: Sees = () => true;

/** What of a job's spec tells how long it will take. */
export interface JobSize {
  readonly work: ReadonlyMap<Stage, StageLeft>;
  /** Of a frame. */
  readonly pixels: number;
}

export class JobEntry {
  readonly jobId: JobId;
  readonly log: JobLog;
  readonly history: JobHistory;
  readonly time: RunTime;
  active: ActiveJob | undefined;
  /** Once its spec was read. */
  numerics: NumericsClasses | undefined;
  /** The same: how much there is to do if nothing is done, at frames of so many pixels. */
  size: JobSize | undefined;
  readonly #watchers = new Set<() => void>();

  constructor(jobId: JobId, { store, nowMs }: KnownJobsOptions, onState?: OnState) {
    this.jobId = jobId;
    this.log = new JobLog(store, jobId, onState);
    this.history = new JobHistory({ store, jobId, nowMs });
    this.time = new RunTime(this.log, nowMs);
  }

  /** Its spec was read. */
  describe(job: AcceptedJob): void {
    this.numerics = job.numerics;
    // One that another version has accepted will fail.
    if (!canPlan(job)) return;
    this.size = { work: workOfPlan(createPlan(job)), pixels: job.width * job.height };
  }

  /** Only of a job that was submitted. */
  get view(): JobView {
    const { jobId, active } = this;
    const facts = this.log.facts!;
    const state = active !== undefined && facts.state === 'queued' ? 'running' : facts.state;
    const seconds = this.time.seconds(active);
    return { jobId, state, facts, active, seconds, numerics: this.numerics };
  }

  /** Calls back at every change; the returned function ends it. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  notify(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

export class KnownJobs {
  readonly #options: KnownJobsOptions;
  readonly #entries = new Map<JobId, JobEntry>();
  readonly #states = new Map<JobState, number>();

  constructor(options: KnownJobsOptions) {
    this.#options = options;
  }

  /** Reads every job that was submitted to the store. What was being deleted when a coordinator ended is deleted. */
  async readAll(): Promise<void> {
    const counts = [...(await entryCounts(this.#options.store))];
    await mapBounded(counts, READS_AT_ONCE, async ([jobId, count], index) => {
      const entry = await this.#open(jobId, (log) => log.readFirst(count));
      if (await entry.log.isBeingRemoved()) await this.remove(entry);
      // A quick store answers at once: nothing else would have its turn.
      if (index % READS_TOGETHER === 0) await setImmediate();
    });
  }

  /**
   * Takes a job that is marked as deleted out of store and book. Results and artifacts stay: they may be another job's, and are collected.
   * The log goes last: while any of it is there, the rest is found again.
   */
  async remove({ jobId, history, log }: JobEntry): Promise<void> {
    const { store } = this.#options;
    await history.remove();
    await store.deleteDocument({ kind: 'manifest', id: jobId });
    await store.deleteDocument({ kind: 'request', id: jobId });
    await store.deleteDocument({ kind: 'spec', id: jobId });
    await log.remove();
    this.#entries.delete(jobId);
  }

  /** The job of this id, whether it was ever submitted or not. */
  async open(jobId: JobId): Promise<JobEntry> {
    return this.#open(jobId, (log) => log.read());
  }

  async #open(jobId: JobId, read: (log: JobLog) => Promise<void>): Promise<JobEntry> {
    const known = this.#entries.get(jobId);
    if (known !== undefined) return known;
    const entry = new JobEntry(jobId, this.#options, (before, now) => {
      if (before !== undefined) this.#states.set(before, (this.#states.get(before) ?? 0) - 1);
      if (now !== undefined) this.#states.set(now, (this.#states.get(now) ?? 0) + 1);
    });
    await read(entry.log);
    this.#entries.set(jobId, entry);
    return entry;
  }

  /** How many there are in each state, of which so many queued ones run here. */
  countStates(active: number): ReadonlyMap<JobState, number> {
    const queued = this.#states.get('queued') ?? 0;
    const running = Math.min(queued, active);
    return new Map([...this.#states, ['queued', queued - running], ['running', running]]);
  }

  get(jobId: JobId): JobEntry | undefined {
    return this.#entries.get(jobId);
  }

  /**
   * Among those that `sees` lets through; of the others not even the beginnings of their ids show.
   * @throws not-found, invalid-argument — none or several begin so
   */
  find(beginning: string, sees: Sees = seesAny): JobEntry {
    const isSeen = ({ log: { facts } }: JobEntry): boolean => facts !== undefined && sees(facts);
    const whole = this.#entries.get(beginning as JobId);
    if (whole !== undefined && isSeen(whole)) return whole;
    const found = [...this.#entries.values()].filter(
      (entry) => entry.jobId.startsWith(beginning) && isSeen(entry),
    );
    const [only] = found;
    if (only !== undefined && found.length === 1 && beginning !== '') return only;
    const hint = 'bivdiff list shows the jobs.';
    if (found.length === 0) throw new BivdiffError('not-found', `no job ${beginning}`, { hint });
    throw new BivdiffError('invalid-argument', `several jobs begin with "${beginning}"`, { hint });
  }

  /** Those that were over by then, and those of which something is left though they are deleted. */
  expired(beforeMs: number): readonly JobEntry[] {
    return [...this.#entries.values()].filter(
      ({ log }) => log.isDeleted || (log.facts?.overAtMs ?? Infinity) <= beforeMs,
    );
  }

  /** By submission, newest first; those that follow `after`, whether or not that one is still there. */
  views(sees: Sees = seesAny, after?: JobPlace): readonly JobView[] {
    return [...this.#entries.values()]
      .filter(({ jobId, log: { facts } }) => {
        if (facts === undefined || !sees(facts)) return false;
        const { submittedAtMs } = facts;
        return after === undefined || newestFirst(after, { jobId, submittedAtMs }) < 0;
      })
      .map((entry) => entry.view)
      .sort((a, b) => newestFirst(placeOf(a), placeOf(b)));
  }

  /** Those that shall run, whether or not they do already. */
  get queued(): readonly JobEntry[] {
    return [...this.#entries.values()].filter(({ log }) => log.facts?.state === 'queued');
  }
}
