// The coordinator: every job of a farm, from submission to the end. What it knows it can lose: jobs are read again from the
// store, tasks that were out are found on the bus, in the store, or published again.

import type { CoordinatorBus, WorkerEvent } from '../common/bus/ports.ts';
import { canonicalJson } from '../common/canonical-json.ts';
import { BivdiffError } from '../common/errors.ts';
import type { Store } from '../common/store/ports.ts';
import type { JobId } from '../common/task.ts';
import { jobIdOf } from './domain/accept.ts';
import type { FailurePolicy } from './domain/failure-policy.ts';
import type { AcceptedJob } from './domain/job.ts';
import { newestEpoch, takeEpoch } from './epoch.ts';
import { JobLog, submittedJobs } from './job-log.ts';
import type { JobEntry, JobFacts, JobState } from './job-log.ts';
import { LiveJob } from './live-job.ts';
import type { Clock } from './ports.ts';
import type { WorkerRegistry } from './worker-registry.ts';

/** How often tasks that are out are looked for, and the epoch is looked at. */
const RECONCILE_MS = 1_000;
/** Jobs whose plans are in memory at once; the others wait in their order. */
const LIVE_JOBS_MAX = 32;
/** Published beyond what the slots take at once, so that a slot that becomes free need not wait for us. */
const OUT_PER_SLOT = 2;
/** Before any worker is known, so that the first that comes finds work. */
const OUT_MIN = 2;

export interface CoordinatorOptions {
  readonly store: Store;
  readonly bus: CoordinatorBus;
  readonly clock: Clock;
  readonly policy: FailurePolicy;
  readonly workers: WorkerRegistry;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly name: string;
  /** Called when every result of a job is there: writes the manifest. */
  readonly conclude: (live: LiveJob) => Promise<unknown>;
  /** Told of what went wrong and will be tried again: store or bus away, disk full. */
  readonly onTrouble: (error: BivdiffError) => void;
}

/** A job as the coordinator sees it now. */
export interface JobView {
  readonly jobId: JobId;
  readonly state: JobState;
  readonly facts: JobFacts;
  /** While it runs here. */
  readonly live: LiveJob | undefined;
}

interface Entry {
  readonly log: JobLog;
  live: LiveJob | undefined;
  readonly watchers: Set<() => void>;
}

export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #jobs = new Map<JobId, Entry>();
  /** One change at a time: two of one job must not cross. */
  #turn: Promise<unknown> = Promise.resolve();
  #epoch = 0;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
  }

  /**
   * Takes over the store and runs its jobs until the signal aborts.
   * @throws aborted — another coordinator has taken over
   */
  async run(signal: AbortSignal): Promise<void> {
    const { store, bus, name } = this.#options;
    this.#epoch = await takeEpoch(store, name);
    const over = new AbortController();
    const ending = AbortSignal.any([signal, over.signal]);
    const events = bus.events(ending);
    try {
      await this.#recover();
      await Promise.race([this.#follow(events), this.#watchOver(ending)]);
    } finally {
      over.abort();
    }
  }

  /** Puts a job on the farm; the same one twice is one. Begins again if it failed or was cancelled. */
  async submit(job: AcceptedJob, facts: { name: string; priority: number }): Promise<JobView> {
    const { store, nowMs } = this.#options;
    const jobId = jobIdOf(job);
    await store.putDocument({ kind: 'spec', id: jobId }, Buffer.from(canonicalJson(job as never)));
    return this.#inTurn(async () => {
      const entry = await this.#entryOf(jobId);
      const state = entry.log.facts?.state;
      const isOver = state === 'failed' || state === 'cancelled';
      if (state === undefined || isOver) {
        await entry.log.append({ kind: 'submitted', atMs: nowMs(), ...facts });
        await this.#launch();
      }
      return this.#viewOf(jobId, entry);
    });
  }

  /** By submission, newest first. */
  list(): readonly JobView[] {
    return [...this.#jobs]
      .map(([jobId, entry]) => this.#viewOf(jobId, entry))
      .sort((a, b) => b.facts.submittedAtMs - a.facts.submittedAtMs);
  }

  /** @throws not-found, invalid-argument — none or several begin so */
  get(idOrBeginning: string): JobView {
    const [jobId, entry] = this.#find(idOrBeginning);
    return this.#viewOf(jobId, entry);
  }

  /** Calls back at every change of a job; the returned function ends it. @throws as `get` */
  watch(idOrBeginning: string, onChange: () => void): () => void {
    const [, { watchers }] = this.#find(idOrBeginning);
    watchers.add(onChange);
    return () => watchers.delete(onChange);
  }

  async cancel(id: string): Promise<JobView> {
    return this.#halt(id, 'cancelled');
  }

  async pause(id: string): Promise<JobView> {
    return this.#halt(id, 'paused');
  }

  /** Goes on with a paused, failed or cancelled job. */
  async resume(id: string): Promise<JobView> {
    return this.#change(id, async (entry, state) => {
      if (!['paused', 'failed', 'cancelled'].includes(state)) {
        throw new BivdiffError(
          'failed-precondition',
          `the job is ${state}: there is nothing to resume`,
        );
      }
      await entry.log.append({ kind: 'resumed', atMs: this.#options.nowMs() });
    });
  }

  async setPriority(id: string, priority: number): Promise<JobView> {
    return this.#change(id, async (entry) => {
      await entry.log.append({ kind: 'priority', priority, atMs: this.#options.nowMs() });
    });
  }

  async #halt(id: string, kind: 'paused' | 'cancelled'): Promise<JobView> {
    return this.#change(id, async (entry, state) => {
      const isOver =
        state === 'done' || state === kind || (state === 'failed' && kind === 'paused');
      if (isOver) throw new BivdiffError('failed-precondition', `the job is ${state} already`);
      await entry.log.append({ kind, atMs: this.#options.nowMs() });
      const { live } = entry;
      entry.live = undefined;
      await live?.stop(`the job is ${kind}`);
    });
  }

  async #change(
    id: string,
    change: (entry: Entry, state: JobState) => Promise<void>,
  ): Promise<JobView> {
    return this.#inTurn(async () => {
      const [jobId, entry] = this.#find(id);
      await entry.log.read();
      await change(entry, this.#viewOf(jobId, entry).state);
      await this.#launch();
      notify(entry);
      return this.#viewOf(jobId, entry);
    });
  }

  async #recover(): Promise<void> {
    for (const jobId of await submittedJobs(this.#options.store)) await this.#entryOf(jobId);
    await this.#inTurn(() => this.#launch());
  }

  async #follow(events: AsyncIterable<WorkerEvent>): Promise<void> {
    for await (const event of events) {
      await this.#endure(async () => {
        for (const [jobId, entry] of this.#jobs) {
          if (entry.live?.run.hasOut(event.taskId) !== true) continue;
          await this.#tend(jobId, entry, (live) => live.handle(event));
        }
      });
    }
  }

  async #watchOver(signal: AbortSignal): Promise<void> {
    for (;;) {
      if (!(await this.#wait(RECONCILE_MS, signal))) return;
      await this.#checkEpoch();
      await this.#endure(() => this.#reconcile());
    }
  }

  /** False when the signal aborts meanwhile. */
  #wait(delayMs: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const abort = (): void => {
        callOff();
        resolve(false);
      };
      const callOff = this.#options.clock.after(delayMs, () => {
        signal.removeEventListener('abort', abort);
        resolve(true);
      });
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
    });
  }

  /** What fails here is done again by the next look; an event that is lost so is found in the store. */
  async #endure(work: () => Promise<void>): Promise<void> {
    try {
      await this.#inTurn(work);
    } catch (reason) {
      this.#options.onTrouble(BivdiffError.from(reason));
    }
  }

  async #checkEpoch(): Promise<void> {
    const newest = await newestEpoch(this.#options.store).catch((reason: unknown) => {
      this.#options.onTrouble(BivdiffError.from(reason, 'looking for newer coordinators'));
      return this.#epoch;
    });
    if (newest <= this.#epoch) return;
    throw new BivdiffError(
      'aborted',
      `another coordinator has taken over (epoch ${newest}; this is ${this.#epoch})`,
      { hint: 'One coordinator per store is enough; this one steps down.' },
    );
  }

  async #reconcile(): Promise<void> {
    for (const [jobId, entry] of this.#jobs) {
      if (entry.live === undefined) continue;
      await this.#tend(jobId, entry, async ({ run }) => {
        await run.reconcile().catch((reason: unknown) => {
          // Asked again in a second.
          if (BivdiffError.from(reason).code !== 'unavailable') throw reason;
        });
        await run.pump();
      });
    }
    await this.#launch();
  }

  /** Makes live what is next in order: higher priority first, then the earlier. */
  async #launch(): Promise<void> {
    for (const [jobId, entry] of this.#inOrder()) {
      const liveCount = [...this.#jobs.values()].filter(({ live }) => live !== undefined).length;
      if (liveCount >= LIVE_JOBS_MAX) return;
      if (entry.live !== undefined || entry.log.facts?.state !== 'queued') continue;
      const live = await this.#createLive(jobId, entry);
      if (live === undefined) continue;
      entry.live = live;
      await this.#tend(jobId, entry, (begun) => begun.start());
    }
  }

  async #createLive(jobId: JobId, entry: Entry): Promise<LiveJob | undefined> {
    const { store, workers } = this.#options;
    const bytes = await store.getDocument({ kind: 'spec', id: jobId });
    if (bytes === undefined) {
      const lost = new BivdiffError('data-loss', 'the accepted spec is not in the store any more');
      await this.#end(entry, {
        kind: 'failed',
        failure: lost.toJSON(),
        atMs: this.#options.nowMs(),
      });
      return undefined;
    }
    return new LiveJob({
      ...this.#options,
      jobId,
      job: JSON.parse(Buffer.from(bytes).toString()) as AcceptedJob,
      slots: () => Math.max(1, workers.slots),
      outMax: () => this.#outMax(jobId),
      isShared: (taskId) =>
        [...this.#jobs].some(([id, { live }]) => id !== jobId && live?.run.hasOut(taskId) === true),
      onChange: () => notify(entry),
    });
  }

  /** What those before it leave: so urgent jobs have the farm, and what they cannot use goes to the next. */
  #outMax(jobId: JobId): number {
    let left = Math.max(OUT_MIN, OUT_PER_SLOT * this.#options.workers.slots);
    for (const [id, { live }] of this.#inOrder()) {
      if (id === jobId) return left;
      left -= live?.run.outCount ?? 0;
    }
    return left;
  }

  #inOrder(): [JobId, Entry][] {
    const priority = ({ log }: Entry): number => log.facts?.priority ?? 0;
    const submitted = ({ log }: Entry): number => log.facts?.submittedAtMs ?? 0;
    return [...this.#jobs].sort(
      ([, a], [, b]) => priority(b) - priority(a) || submitted(a) - submitted(b),
    );
  }

  /** Does something with a live job, and ends the job if it is over then. */
  async #tend(jobId: JobId, entry: Entry, work: (live: LiveJob) => Promise<void>): Promise<void> {
    const { live } = entry;
    if (live === undefined) return;
    const { conclude, nowMs } = this.#options;
    try {
      await work(live);
      if (!live.run.isOver && live.run.failure === undefined) return;
      if (live.run.failure !== undefined) throw live.run.failure;
      await conclude(live);
      await this.#end(entry, { kind: 'done', seconds: live.seconds, atMs: nowMs() });
    } catch (reason) {
      const failure = BivdiffError.from(reason, `job ${jobId.slice(0, 12)}`).toJSON();
      await this.#end(entry, { kind: 'failed', failure, atMs: nowMs() });
    }
  }

  async #end(entry: Entry, outcome: JobEntry): Promise<void> {
    entry.live = undefined;
    await entry.log.append(outcome);
    notify(entry);
  }

  async #entryOf(jobId: JobId): Promise<Entry> {
    const known = this.#jobs.get(jobId);
    if (known !== undefined) return known;
    const entry: Entry = {
      log: new JobLog(this.#options.store, jobId),
      live: undefined,
      watchers: new Set(),
    };
    await entry.log.read();
    this.#jobs.set(jobId, entry);
    return entry;
  }

  #find(beginning: string): [JobId, Entry] {
    const found = [...this.#jobs].filter(([jobId]) => jobId.startsWith(beginning));
    const [only] = found;
    if (only !== undefined && found.length === 1 && beginning !== '') return only;
    const hint = 'bivdiff list shows the jobs.';
    if (found.length === 0) throw new BivdiffError('not-found', `no job ${beginning}`, { hint });
    throw new BivdiffError('invalid-argument', `several jobs begin with "${beginning}"`, { hint });
  }

  #viewOf(jobId: JobId, { log, live }: Entry): JobView {
    const facts = log.facts!;
    const state = live !== undefined && facts.state === 'queued' ? 'running' : facts.state;
    return { jobId, state, facts, live };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function notify({ watchers }: Entry): void {
  for (const watcher of [...watchers]) watcher();
}
