// The coordinator: every job of a farm, from submission to the end. What it knows it can lose: jobs are read again from the
// store, tasks that were out are found on the bus, in the store, or published again.

import type { WorkerEvent } from '../common/bus/ports.ts';
import { canonicalJson } from '../common/canonical-json.ts';
import { BivdiffError } from '../common/errors.ts';
import { passFailurePoint } from '../common/failure-points/failure-point.ts';
import type { JobId } from '../common/task.ts';
import { jobIdOf } from './domain/accept.ts';
import type { AcceptedJob } from '../recipes/job.ts';
import { checkEpoch, takeEpoch } from './jobs/epoch.ts';
import { KnownJobs } from './jobs/known-jobs.ts';
import type { JobEntry, JobPlace, JobView, Sees } from './jobs/known-jobs.ts';
import { isOver } from './jobs/job-log.ts';
import type { JobState } from './jobs/job-log.ts';
import { progressOf } from './jobs/job-progress.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import type { DispatcherOptions, FarmNumbers } from './dispatch/dispatcher-options.ts';
import { lacksOutputs } from './jobs/manifest.ts';
import { pause } from './pause.ts';
import { Turns } from './turns.ts';

/** How often jobs are looked for that are over for long; and how many go at a time. */
const EXPIRY_MS = 3_600_000;
const EXPIRED_AT_ONCE = 50;
/** How often tasks that are out are looked for, and the epoch is looked at. */
const RECONCILE_MS = 1_000;
/** Events that may wait for jobs that are busy; more stay with the bus. */
const EVENTS_AT_ONCE = 1_000;

export interface CoordinatorOptions extends DispatcherOptions {
  /** Shown beside its epoch. */
  readonly name: string;
  /** Jobs that are over for longer are deleted. @default kept for ever */
  readonly keepJobsMs?: number;
}

export interface Submission {
  readonly name: string;
  /** 0 to 100; higher goes first. */
  readonly priority: number;
  /** Whose job it is. @default nobody's */
  readonly owner?: string;
  /** What its submitter calls the source, without its folder. @default "the source" */
  readonly source?: string;
  /** Those of further sources, by digest. @default "the source" */
  readonly otherSources?: Readonly<Record<string, string>>;
}

export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #book: KnownJobs;
  readonly #dispatcher: Dispatcher;
  readonly #known = Promise.withResolvers<undefined>();
  /** One change of a job at a time: two must not cross. Other jobs go on meanwhile. */
  readonly #turns = new Turns<JobId>();
  #epoch = 0;
  /** Raised at every deletion: what was put for a job before may be gone. */
  #deletions = 0;
  #expiryMs = 0;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#book = new KnownJobs(options);
    this.#dispatcher = new Dispatcher(options, this.#book, this.#turns);
  }

  /** Resolves when it has read which jobs there are: what it is asked before would be answered wrongly. */
  get known(): Promise<undefined> {
    return this.#known.promise;
  }

  get numbers(): FarmNumbers {
    return this.#dispatcher.numbers;
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
      await this.#book.readAll();
      this.#known.resolve(undefined);
      await this.#dispatcher.launch(this.#book.queued);
      await Promise.race([this.#follow(events), this.#watchOver(ending)]);
    } finally {
      over.abort();
      await this.#dispatcher.flushHistories('all');
    }
  }

  /** Puts a job on the farm; the same one twice is one. Begins again if it failed, was cancelled, or has lost an output. */
  async submit(job: AcceptedJob, submission: Submission): Promise<JobView> {
    const { store, nowMs } = this.#options;
    const { name, priority, owner, source, otherSources } = submission;
    const jobId = jobIdOf(job);
    const putSpec = () =>
      store.putDocument({ kind: 'spec', id: jobId }, Buffer.from(canonicalJson(job as never)));
    const deletions = this.#deletions;
    // Not in its turn: many can be put at once.
    await putSpec();
    passFailurePoint('spec-put');
    return this.#turns.take(jobId, async () => {
      const left = this.#book.get(jobId);
      if (left?.log.isDeleted === true) await this.#remove(left);
      if (this.#deletions !== deletions) await putSpec();
      const entry = await this.#book.open(jobId);
      const isToBegin = [undefined, 'failed', 'cancelled'].includes(entry.log.facts?.state);
      if (isToBegin || (await this.#isDoneInVain(entry))) {
        const whose = {
          ...(owner !== undefined && { owner }),
          ...(source !== undefined && { source }),
          ...(otherSources !== undefined && { otherSources }),
        };
        await entry.log.append({ kind: 'submitted', atMs: nowMs(), name, priority, ...whose });
        this.#dispatcher.know(entry, job);
        await this.#dispatcher.launch([entry]);
      } else if (owner !== undefined && entry.log.facts?.owners.includes(owner) === false) {
        await entry.log.append({ kind: 'joined', atMs: nowMs(), owner });
      }
      return entry.view;
    });
  }

  /** Jobs that shall run, whether or not they do already: what the work that is ahead is predicted from. */
  get queued(): readonly JobEntry[] {
    return this.#book.queued;
  }

  /** As `KnownJobs.views`. */
  list(sees?: Sees, after?: JobPlace): readonly JobView[] {
    return this.#book.views(sees, after);
  }

  /** @throws not-found, invalid-argument — none or several begin so */
  get(idOrBeginning: string, sees?: Sees): JobView {
    return this.#book.find(idOrBeginning, sees).view;
  }

  logOf(idOrBeginning: string, sees?: Sees): Pick<JobEntry, 'log' | 'history' | 'watch'> {
    return this.#book.find(idOrBeginning, sees);
  }

  /** Calls back at every change of a job; the returned function ends it. @throws as `get` */
  watch(idOrBeginning: string, onChange: () => void): () => void {
    return this.#book.find(idOrBeginning).watch(onChange);
  }

  cancel(id: string): Promise<JobView> {
    return this.#halt(id, 'cancelled');
  }
  pause(id: string): Promise<JobView> {
    return this.#halt(id, 'paused');
  }

  /** Goes on with one that is paused, failed or cancelled, or done with an output that is lost. */
  async resume(id: string): Promise<JobView> {
    return this.#change(id, async (entry, state) => {
      const { log } = entry;
      const isResumable = ['paused', 'failed', 'cancelled'].includes(state);
      if (!isResumable && !(await this.#isDoneInVain(entry))) {
        const message = `the job is ${state}: there is nothing to resume`;
        throw new BivdiffError('failed-precondition', message);
      }
      await log.append({ kind: 'resumed', atMs: this.#options.nowMs() });
    });
  }

  /**
   * Forgets a job that is over; gives its whole id. It may be submitted again.
   * @throws failed-precondition — it is not over
   */
  async delete(id: string): Promise<JobId> {
    return this.#turns.take(this.#book.find(id).jobId, async () => {
      const entry = this.#book.find(id);
      await entry.log.read();
      const state = entry.log.facts?.state;
      if (!isOver(state)) {
        const message = `the job is ${state === 'queued' ? entry.view.state : state}: only one that is over can be deleted`;
        const hint = `bivdiff cancel ${entry.jobId.slice(0, 12)} ends it.`;
        throw new BivdiffError('failed-precondition', message, { hint });
      }
      await this.#remove(entry);
      return entry.jobId;
    });
  }

  async setPriority(id: string, priority: number): Promise<JobView> {
    return this.#change(id, async ({ log }) => {
      await log.append({ kind: 'priority', priority, atMs: this.#options.nowMs() });
    });
  }

  /** What it made was damaged or collected since. */
  async #isDoneInVain({ log, jobId }: JobEntry): Promise<boolean> {
    return log.facts?.state === 'done' && (await lacksOutputs(this.#options.store, jobId));
  }

  async #halt(id: string, kind: 'paused' | 'cancelled'): Promise<JobView> {
    return this.#change(id, async (entry, state) => {
      const isOver = ['done', kind, ...(kind === 'paused' ? ['failed'] : [])].includes(state);
      if (isOver) throw new BivdiffError('failed-precondition', `the job is ${state} already`);
      const ran = { progress: progressOf(entry.view), seconds: entry.time.ended(entry.active) };
      await entry.log.append({ kind, ...ran, atMs: this.#options.nowMs() });
      entry.time.logged();
      await this.#dispatcher.halt(entry, `the job is ${kind}`);
    });
  }

  async #change(
    id: string,
    change: (entry: JobEntry, state: JobState) => Promise<void>,
  ): Promise<JobView> {
    return this.#turns.take(this.#book.find(id).jobId, async () => {
      const entry = this.#book.find(id);
      await entry.log.read();
      await change(entry, entry.view.state);
      await this.#dispatcher.launch([entry]);
      entry.notify();
      return entry.view;
    });
  }

  /** The mark first: whoever finds it removes what is left. */
  async #remove(entry: JobEntry): Promise<void> {
    this.#deletions += 1;
    if (!entry.log.isDeleted) {
      await entry.log.append({ kind: 'deleted', atMs: this.#options.nowMs() });
    }
    entry.notify();
    await this.#book.remove(entry);
  }

  /** Deletes jobs that are over for long, and what is left of others. */
  async #expire(): Promise<void> {
    const { clock, nowMs, keepJobsMs = Infinity } = this.#options;
    if (clock.nowMs() < this.#expiryMs) return;
    const expired = this.#book.expired(nowMs() - keepJobsMs);
    if (expired.length <= EXPIRED_AT_ONCE) this.#expiryMs = clock.nowMs() + EXPIRY_MS;
    for (const entry of expired.slice(0, EXPIRED_AT_ONCE)) {
      const turn = this.#turns.take(entry.jobId, async () => {
        // It may have been resumed meanwhile.
        if (isOver(entry.log.facts?.state)) await this.#remove(entry);
      });
      await this.#endure(() => turn);
    }
  }

  async #follow(events: AsyncIterable<WorkerEvent>): Promise<void> {
    let waiting = 0;
    let onRoom: (() => void) | undefined;
    for await (const event of events) {
      waiting += 1;
      void this.#endure(() => this.#dispatcher.handle(event)).then(() => {
        waiting -= 1;
        onRoom?.();
      });
      if (waiting < EVENTS_AT_ONCE) continue;
      await new Promise<void>((resolve) => {
        onRoom = resolve;
      });
    }
  }

  async #watchOver(signal: AbortSignal): Promise<void> {
    while (await pause(this.#options.clock, RECONCILE_MS, signal)) {
      await this.#checkEpoch();
      await this.#endure(() => this.#dispatcher.reconcile());
      await this.#expire();
    }
  }

  /** What fails here is done again by the next look; an event that is lost so is found in the store. */
  async #endure(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (reason) {
      this.#options.onTrouble(BivdiffError.from(reason));
    }
  }

  async #checkEpoch(): Promise<void> {
    await checkEpoch(this.#options.store, this.#epoch).catch((reason: unknown) => {
      const error = BivdiffError.from(reason);
      if (error.code === 'aborted') throw error;
      this.#options.onTrouble(BivdiffError.from(error, 'looking for newer coordinators'));
    });
  }
}
