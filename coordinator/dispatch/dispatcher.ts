// The jobs that run now: does what the order says (makes jobs active, has tasks published), tells each what an event means to it, and
// ends it. What comes next it does not decide. What waits for store or bus is done in turns of its job, so that no job waits for another;
// what all jobs share (the order, what is out) changes between two waits.

import type { WorkerEvent } from '../../common/bus/ports.ts';
import { BivdiffError } from '../../common/errors.ts';
import { nameSource } from '../../common/sources/source-name.ts';
import { numericsKeyOf } from '../../common/stage-facts.ts';
import type { JobId, Pool } from '../../common/task.ts';
import { isPassing } from '../domain/failure-policy.ts';
import { PublishOrder } from '../domain/publish-order.ts';
import { TaskPaces } from '../domain/task-paces.ts';
import { TaskCounts } from '../domain/work/task-counts.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import type { KnownJobs, JobEntry } from '../jobs/known-jobs.ts';
import { flushHistories } from '../jobs/flush-histories.ts';
import { HistoryObserver } from '../jobs/history-observer.ts';
import type { JobLogEntry } from '../jobs/job-log.ts';
import { progressOf } from '../jobs/job-progress.ts';
import { ActiveJob } from '../run/active-job.ts';
import { observeBoth } from '../run/job-observer.ts';
import { mapBounded } from '../map-bounded.ts';
import { PublishedTasks } from '../run/published-tasks.ts';
import { AwaitedWorkers } from './awaited-workers.ts';
import type { Turns } from '../turns.ts';
import { Beginnings } from './beginnings.ts';
import type { DispatcherOptions, FarmNumbers } from './dispatcher-options.ts';
import { EventJudge } from './event-judge.ts';
import { FarmWork } from './farm-work.ts';
import { specOf } from './spec-of.ts';

/** Specs are small, and on S3 each read is a round trip. */
const READS_AT_ONCE = 32;
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #book: KnownJobs;
  readonly #turns: Turns<JobId>;
  readonly #out: PublishedTasks;
  readonly #active = new Set<JobEntry>();
  /** Jobs whose place in the order may have changed since they were looked at. */
  readonly #unplaced = new Set<JobEntry>();
  readonly #awaited: AwaitedWorkers;
  readonly #order: PublishOrder;
  readonly #judge: EventJudge;
  readonly #beginnings: Beginnings;
  readonly #work: FarmWork;

  /** `turns`: whoever calls about one job does so in a turn of that job. */
  constructor(options: DispatcherOptions, book: KnownJobs, turns: Turns<JobId>) {
    const { workers, store, bus, clock, onTrouble, onOutcome, shareOf } = options;
    this.#options = options;
    this.#book = book;
    this.#awaited = new AwaitedWorkers(onTrouble);
    this.#turns = turns;
    this.#work = new FarmWork(onOutcome);
    const slotsOf = (...asked: [Pool, string]): number => workers.slotsOf(...asked);
    this.#out = new PublishedTasks({
      ...{ store, bus, clock, onTrouble, slotsOf },
      workersOf: (...asked) => workers.workersOf(...asked),
      claimed: () => workers.running,
    });
    const paces = new TaskPaces();
    this.#judge = new EventJudge({ workers, paces, out: this.#out, onOutcome });
    this.#order = new PublishOrder({ out: this.#out, slotsOf, shareOf, paces });
    this.#beginnings = new Beginnings({
      clock,
      next: () => this.#order.nextToBegin(),
      begin: async (jobId) => {
        await turns
          .take(jobId, () => this.#begin(jobId))
          .catch((reason: unknown) => {
            // The others need not wait for it: it is looked at again, and goes back into its place.
            const entry = book.get(jobId);
            if (entry !== undefined) this.#remove(entry);
            throw reason;
          });
        this.#publish();
      },
      onTrouble: (reason) => onTrouble(BivdiffError.from(reason)),
    });
  }

  /** Takes in what a worker reports, for every job that needs the task. Events of one job are taken in as they are given. */
  async handle(event: WorkerEvent): Promise<void> {
    const needers = [...this.#out.needersOf(event.taskId)];
    const stageWithout = this.#judge.take(event);
    const told = needers.map(({ jobId }) =>
      this.#turns.take(jobId, async () => {
        const entry = this.#book.get(jobId);
        if (entry !== undefined) await this.#tend(entry, (active) => active.handle(event));
        if (stageWithout === undefined) return;
        const { taskId, worker } = event;
        entry?.history.add({ kind: 'set-aside', taskId, stage: stageWithout, worker });
      }),
    );
    await Promise.all(told);
    this.#publish();
    if (this.#order.lacksOpenings) this.#beginnings.look();
  }

  /** Costs nothing per task, and nothing per job that is not active. */
  get numbers(): FarmNumbers {
    const tasks = new TaskCounts();
    for (const { active } of this.#active) active?.run.addTo(tasks);
    const jobs = this.#book.countStates(this.#active.size);
    return { jobs, tasks, workSeconds: this.#work.secondsByPool };
  }

  /** Its spec is at hand, and need not be read again. */
  know(entry: JobEntry, job: AcceptedJob): void {
    try {
      entry.describe(job);
      this.#work.plan(entry.jobId, job);
    } catch {
      // A defect of its plan: it fails with that when it begins.
    }
  }

  /** Looks for what was lost on the way, and gives out the room that came with new workers. */
  async reconcile(): Promise<void> {
    const found = await this.#out.reconcile().catch((reason: unknown) => {
      // Asked again in a second.
      if (BivdiffError.from(reason).code !== 'unavailable') throw reason;
      return [];
    });
    // A job that is busy takes it in later: nothing here waits for that.
    for (const event of found)
      void this.handle(event).catch((reason: unknown) => {
        this.#options.onTrouble(BivdiffError.from(reason));
      });
    await this.launch([...this.#unplaced]);
    for (const { active } of this.#active) active?.run.publishCopies();
    this.#awaited.look(this.#active, this.#options.workers.alive);
    await this.flushHistories('due');
  }

  /** Writes down what happened to the tasks of active jobs. What the store does not take now is tried again. */
  async flushHistories(which: 'due' | 'all'): Promise<void> {
    const entries = [...this.#active].filter(({ history }) => which === 'all' || history.isDue);
    await flushHistories(entries, this.#options.onTrouble);
  }

  /**
   * Looks at these jobs anew, publishes, and begins to make active what is next in order. To be called with every job that has changed; those
   * that cannot be looked at now are looked at again by `reconcile`.
   */
  async launch(changed: readonly JobEntry[]): Promise<void> {
    for (const entry of changed) this.#unplaced.add(entry);
    await mapBounded(changed, READS_AT_ONCE, async (entry) => {
      // The others need not wait for it.
      await this.#place(entry).catch((reason: unknown) => {
        this.#options.onTrouble(BivdiffError.from(reason, `job ${entry.jobId.slice(0, 12)}`));
      });
    });
    this.#publish();
    this.#beginnings.look();
  }

  async #place(entry: JobEntry): Promise<void> {
    const isQueued = (): boolean => entry.log.facts?.state === 'queued';
    const { jobId, log } = entry;
    if (!isQueued()) this.#work.drop(jobId);
    else if (!this.#work.has(jobId)) {
      const job = await this.#readSpec(entry);
      if (job !== undefined) this.know(entry, job);
    }
    const { numerics } = entry;
    // What has no spec has failed.
    if (!isQueued() || numerics === undefined) this.#order.leave(jobId);
    else {
      const { owner, priority, submittedAtMs } = log.facts!;
      const numericsKey = numericsKeyOf(numerics);
      this.#order.place({ jobId, owner, priority, submittedAtMs, numericsKey });
    }
    this.#unplaced.delete(entry);
  }

  #publish(): void {
    for (let next = this.#order.next(); next !== undefined; next = this.#order.next()) {
      const active = this.#book.get(next.jobId)?.active;
      // Another coordinator may have ended it, and somebody deleted it.
      if (active === undefined) this.#order.leave(next.jobId);
      else active.run.publishNext(next.pool);
    }
  }

  /** Stops a job for now, if it runs. */
  async halt(entry: JobEntry, why: string): Promise<void> {
    const { active } = entry;
    this.#remove(entry);
    await active?.stop(why);
    await flushHistories([entry], this.#options.onTrouble);
  }

  /** Undefined: there is none any more, and the job has failed. */
  #readSpec(entry: JobEntry): Promise<AcceptedJob | undefined> {
    return specOf(this.#options.store, entry.jobId, (error) => this.#fail(entry, error));
  }

  async #begin(jobId: JobId): Promise<void> {
    const entry = this.#book.get(jobId);
    // It, or another coordinator, may have ended meanwhile.
    if (entry?.log.facts?.state !== 'queued') this.#order.leave(jobId);
    if (entry?.log.facts?.state !== 'queued' || entry.active !== undefined) return;
    const job = await this.#readSpec(entry);
    if (job === undefined) return;
    let active: ActiveJob;
    try {
      active = this.#plan(entry, job);
    } catch (reason) {
      // Of another version, or a defect: nothing of it can run here.
      await this.#fail(entry, BivdiffError.from(reason, 'planning the job'));
      return;
    }
    entry.active = active;
    this.#active.add(entry);
    this.#order.begin(entry.jobId, active.run);
    await this.#tend(entry, async () => {
      await active.start();
      await entry.time.begun(active, this.#options.onTrouble);
      entry.notify();
    });
  }

  /** @throws failed-precondition — it was accepted by another version */
  #plan(entry: JobEntry, job: AcceptedJob): ActiveJob {
    const { jobId } = entry;
    return new ActiveJob({
      ...this.#options,
      jobId,
      owner: entry.log.facts?.owner ?? '',
      secondsBefore: entry.time.seconds(undefined),
      job,
      out: this.#out,
      observe: (graph) => {
        const history = new HistoryObserver(graph, entry.history, entry.log.facts?.sourceNames);
        return observeBoth(history, this.#work.follow(jobId, graph));
      },
      onReady: (pool) => {
        this.#order.hasReady(jobId, pool);
      },
      slots: () => Math.max(1, this.#options.workers.slotsOf('any')),
      onChange: () => {
        entry.notify();
      },
    });
  }

  /** Does something with an active job, and ends the job if it is over then. */
  async #tend(entry: JobEntry, work: (active: ActiveJob) => Promise<void>): Promise<void> {
    const { active } = entry;
    if (active === undefined) return;
    const { conclude, nowMs } = this.#options;
    try {
      await work(active);
      if (active.run.failure === undefined && !active.run.isOver) return;
      if (active.run.failure === undefined) await conclude(active);
    } catch (reason) {
      const error = BivdiffError.from(reason, `job ${entry.jobId.slice(0, 12)}`);
      if (active.run.failure === undefined && isPassing(error)) {
        // Store or bus is away, or full: what the run knows may be wrong now, and the store tells it again.
        active.run.leave();
        entry.time.left(active);
        this.#remove(entry);
        this.#options.onTrouble(error);
      } else {
        // Whatever else went wrong meanwhile: what the run failed for is why.
        const cause = active.run.failure ?? error;
        await active.abandon(cause);
        await this.#fail(entry, cause);
      }
      return;
    }
    if (active.run.failure !== undefined) await this.#fail(entry, active.run.failure);
    else await this.#end(entry, { kind: 'done', seconds: active.seconds, atMs: nowMs() });
  }

  async #fail(entry: JobEntry, error: BivdiffError): Promise<void> {
    const failure = nameSource(error, entry.log.facts?.sourceNames ?? {}).toJSON();
    const ran = { progress: progressOf(entry.view), seconds: entry.time.ended(entry.active) };
    await this.#end(entry, { kind: 'failed', failure, ...ran, atMs: this.#options.nowMs() });
  }

  async #end(entry: JobEntry, outcome: JobLogEntry): Promise<void> {
    this.#remove(entry);
    await flushHistories([entry], this.#options.onTrouble);
    await entry.log.append(outcome);
    entry.time.logged();
    entry.notify();
  }

  /** It is no longer active. If it has not ended, it is looked at again. */
  #remove(entry: JobEntry): void {
    entry.active = undefined;
    this.#active.delete(entry);
    this.#awaited.forget(entry.jobId);
    this.#order.leave(entry.jobId);
    this.#unplaced.add(entry);
  }
}
