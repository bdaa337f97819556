// One job on its way: which of its tasks wait, are ready, are out, are done; publishes ready ones to the bus, a few at a time, and
// acts on what workers report. All of it can be lost and made again from the store.

import { BivdiffError } from '../common/errors.ts';
import type { FailureJson } from '../common/errors.ts';
import type { CoordinatorBus, WorkerEvent } from '../common/bus/ports.ts';
import { queueOfStage } from '../common/placement.ts';
import type { Store } from '../common/store/ports.ts';
import type { JobId, ResultRecord, TaskId } from '../common/task.ts';
import { decideAfterFailure } from './domain/failure-policy.ts';
import type { FailurePolicy } from './domain/failure-policy.ts';
import { ReadyQueue } from './domain/ready-queue.ts';
import type { TaskGraph, TaskNumber } from './domain/task-graph.ts';
import type { Clock } from './ports.ts';
import { surveyStore } from './survey.ts';
import { lostWorkersFailure, taskFailure } from './task-failure.ts';

/**
 * - `idle`: nothing that must run needs it, or its result is in the store
 * - `waiting`: must run; an input is not there yet
 * - `ready`: must run; could be published
 * - `out`: published, or waiting for its next try
 * - `done`: committed by this run
 */
type TaskState = 'idle' | 'waiting' | 'ready' | 'out' | 'done';

export interface JobRunOptions {
  readonly jobId: JobId;
  readonly graph: TaskGraph;
  readonly store: Store;
  readonly bus: CoordinatorBus;
  readonly clock: Clock;
  readonly policy: FailurePolicy;
  /** Tasks out at once, now: about twice the slots that can take them, so that the queue stays short. */
  readonly outMax: () => number;
  readonly observer: JobObserver;
  /** Whether another live job needs it: then it is not stopped with this one. @default none is shared */
  readonly isShared?: (taskId: TaskId) => boolean;
}

/** What was published so recently is not looked for: the bus may still be at it. */
const RECHECK_MS = 1_000;

/** Told of every change, at once, on the caller's thread. */
export interface JobObserver {
  surveyed(found: ReadonlyMap<TaskNumber, ResultRecord>, missing: readonly TaskNumber[]): void;
  event(task: TaskNumber, event: WorkerEvent): void;
  /** A result was lost and its task will run again. */
  healed(task: TaskNumber): void;
}

export class JobRun {
  readonly #options: JobRunOptions;
  readonly #graph: TaskGraph;
  readonly #states: TaskState[];
  readonly #waitingFor: Uint32Array;
  readonly #attempts: Uint16Array;
  readonly #excluded = new Map<TaskNumber, string[]>();
  readonly #workers = new Set<string>();
  readonly #ready: ReadyQueue;
  readonly #out = new Map<TaskId, TaskNumber>();
  readonly #started = new Set<TaskId>();
  /** Who began a task that is out and has not said how it ended. More than one: the others are lost. */
  readonly #starters = new Map<TaskId, string[]>();
  readonly #timers = new Map<TaskNumber, () => void>();
  /** When it was last published, or last found to be on its way. */
  readonly #seenMs = new Map<TaskId, number>();
  #left = 0;
  #failure: BivdiffError | undefined;

  constructor(options: JobRunOptions) {
    this.#options = options;
    this.#graph = options.graph;
    this.#states = new Array<TaskState>(options.graph.size).fill('idle');
    this.#waitingFor = new Uint32Array(options.graph.size);
    this.#attempts = new Uint16Array(options.graph.size);
    this.#ready = new ReadyQueue((task) => options.graph.priority(task));
  }

  /** Nothing is left to do, or the job has failed and nothing of it runs any more. */
  get isOver(): boolean {
    return this.#failure === undefined ? this.#left === 0 : this.#started.size === 0;
  }

  /** Why the job fails, once it does. */
  get failure(): BivdiffError | undefined {
    return this.#failure;
  }

  /** Tasks published and not settled. */
  get outCount(): number {
    return this.#out.size;
  }

  /** Whether it has this task out. */
  hasOut(taskId: TaskId): boolean {
    return this.#out.has(taskId);
  }

  /** Finds out what must run for these results, and publishes the first tasks. */
  async start(wanted: readonly TaskNumber[]): Promise<void> {
    await this.#require(wanted);
    await this.#publishReady();
  }

  /** Takes in what a worker reports. Events of tasks that this job has not out are ignored. */
  async handle(event: WorkerEvent): Promise<void> {
    const task = this.#out.get(event.taskId);
    if (task === undefined) return;
    this.#workers.add(event.worker);
    this.#options.observer.event(task, event);
    if (event.kind === 'started') await this.#noteStart(task, event);
    if (event.kind === 'committed') this.#settle(task, event.taskId);
    if (event.kind === 'failed') await this.#handleFailure(task, event);
    await this.#publishReady();
  }

  /** Publishes what has become possible, since more workers came or another job takes less. */
  async pump(): Promise<void> {
    await this.#publishReady();
  }

  /**
   * Looks for every task that is out: it is on the bus, or its result is in the store, or it was lost with the bus and is
   * published again. Call it now and then: buses lose messages, and events about them.
   * @throws unavailable — bus or store cannot say now
   */
  async reconcile(): Promise<void> {
    const { bus, store, clock } = this.#options;
    for (const [taskId, task] of [...this.#out]) {
      const isRecent = clock.nowMs() - (this.#seenMs.get(taskId) ?? 0) < RECHECK_MS;
      if (this.#failure !== undefined || isRecent || this.#timers.has(task)) continue;
      const queue = queueOfStage(this.#graph.ref(task).stage);
      if (!(await bus.holds(queue, taskId))) {
        const record = await store.getRecord(taskId, { checkArtifacts: true });
        if (!this.#out.has(taskId) || this.#timers.has(task)) continue;
        if (record === undefined) await this.#send(task);
        else await this.handle(committedEvent(record));
      }
      if (this.#out.has(taskId)) this.#seenMs.set(taskId, clock.nowMs());
    }
  }

  /** Publishes nothing more, stops what runs, and fails with `reason` once that has stopped. */
  async stop(reason: BivdiffError): Promise<void> {
    this.#failure ??= reason;
    for (const callOff of this.#timers.values()) callOff();
    this.#timers.clear();
    const { bus, jobId, isShared } = this.#options;
    const taskIds = [...this.#out.keys()].filter((taskId) => isShared?.(taskId) !== true);
    // What no worker has begun is withdrawn with the cancel, and what goes on is another job's; nobody will report it.
    const stopping = new Set(taskIds.filter((taskId) => this.#started.has(taskId)));
    for (const taskId of [...this.#out.keys()]) if (!stopping.has(taskId)) this.#forget(taskId);
    await bus.cancel({ jobId, taskIds });
  }

  async #noteStart(
    task: TaskNumber,
    { taskId, worker }: Extract<WorkerEvent, { kind: 'started' }>,
  ): Promise<void> {
    this.#started.add(taskId);
    const starters = [...(this.#starters.get(taskId) ?? []), worker];
    this.#starters.set(taskId, starters);
    const lost = starters.slice(0, -1);
    if (lost.length < this.#options.policy.lostWorkersMax) return;
    this.#forget(taskId);
    await this.#options.bus.cancel({ jobId: this.#options.jobId, taskIds: [taskId] });
    await this.stop(lostWorkersFailure(this.#graph, task, lost));
  }

  async #require(wanted: readonly TaskNumber[]): Promise<void> {
    const { store, observer } = this.#options;
    const survey = await surveyStore(this.#graph, store, wanted);
    const fresh = survey.missing.filter((task) => !this.#isPending(task));
    for (const task of fresh) this.#states[task] = 'waiting';
    this.#left += fresh.length;
    observer.surveyed(survey.found, fresh);
    for (const task of fresh) {
      const pending = this.#graph.dependencies(task).filter((needed) => this.#isPending(needed));
      this.#waitingFor[task] = pending.length;
      if (pending.length === 0) this.#makeReady(task);
    }
  }

  #isPending(task: TaskNumber): boolean {
    const state = this.#states[task];
    return state === 'waiting' || state === 'ready' || state === 'out';
  }

  #makeReady(task: TaskNumber): void {
    this.#states[task] = 'ready';
    this.#ready.push(task);
  }

  async #publishReady(): Promise<void> {
    while (this.#failure === undefined && this.#out.size < this.#options.outMax()) {
      const task = this.#ready.pop();
      if (task === undefined) return;
      this.#states[task] = 'out';
      this.#out.set(this.#graph.plan.id(this.#graph.ref(task)), task);
      await this.#publish(task);
    }
  }

  async #publish(task: TaskNumber): Promise<void> {
    this.#attempts[task] = this.#attempts[task]! + 1;
    await this.#send(task);
  }

  async #send(task: TaskNumber): Promise<void> {
    const { bus, clock } = this.#options;
    const ref = this.#graph.ref(task);
    const message = {
      task: this.#graph.plan.task(ref),
      attempt: this.#attempts[task]!,
      excludedWorkers: this.#excludedWorkers(task),
    };
    this.#seenMs.set(message.task.id, clock.nowMs());
    try {
      await bus.publish(queueOfStage(ref.stage), message);
    } catch (reason) {
      // The bus is away, or full: `reconcile` finds that it has not got the task.
      const { code } = BivdiffError.from(reason);
      if (code !== 'unavailable' && code !== 'resource-exhausted') throw reason;
    }
  }

  #forget(taskId: TaskId): void {
    this.#out.delete(taskId);
    this.#started.delete(taskId);
    this.#starters.delete(taskId);
    this.#seenMs.delete(taskId);
  }

  /** Waived when nobody else is there. */
  #excludedWorkers(task: TaskNumber): readonly string[] {
    const excluded = this.#excluded.get(task) ?? [];
    const others = [...this.#workers].some((worker) => !excluded.includes(worker));
    return others ? excluded : [];
  }

  #settle(task: TaskNumber, taskId: TaskId): void {
    this.#forget(taskId);
    this.#states[task] = 'done';
    this.#left -= 1;
    for (const dependent of this.#graph.dependents(task)) {
      if (this.#states[dependent] !== 'waiting') continue;
      this.#waitingFor[dependent] = this.#waitingFor[dependent]! - 1;
      if (this.#waitingFor[dependent] === 0) this.#makeReady(dependent);
    }
  }

  async #handleFailure(
    task: TaskNumber,
    event: Extract<WorkerEvent, { kind: 'failed' }>,
  ): Promise<void> {
    this.#started.delete(event.taskId);
    const { worker } = event;
    const others = (this.#starters.get(event.taskId) ?? []).filter((name) => name !== worker);
    this.#starters.set(event.taskId, others);
    if (this.#failure !== undefined) {
      this.#forget(event.taskId);
      return;
    }
    // Nobody asked for it: the worker lost its lease (it was too slow to say that it is alive), and the bus has given the task
    // to another, or will.
    if (event.failure.code === 'cancelled') return;
    const decision = decideAfterFailure(event.failure, this.#attempts[task]!, this.#options.policy);
    switch (decision.kind) {
      case 'retry':
        if (decision.excludeWorker) {
          this.#excluded.set(task, [...(this.#excluded.get(task) ?? []), event.worker]);
        }
        this.#publishLater(task, decision.delayMs);
        return;
      case 'heal':
        await this.#heal(task, event);
        return;
      case 'fail':
        this.#forget(event.taskId);
        await this.stop(this.#failureOf(task, event.failure));
        return;
    }
  }

  #publishLater(task: TaskNumber, delayMs: number): void {
    const callOff = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(task);
      if (this.#failure !== undefined) return;
      this.#publish(task).catch((error: unknown) => this.stop(BivdiffError.from(error)));
    });
    this.#timers.set(task, callOff);
  }

  /** An input of the task is gone: its record is dropped, the task that makes it runs again, then this one. */
  async #heal(task: TaskNumber, event: Extract<WorkerEvent, { kind: 'failed' }>): Promise<void> {
    const { store, observer } = this.#options;
    const details = event.failure.details as { readonly lostTasks?: readonly TaskId[] };
    const lost = (details.lostTasks ?? []).flatMap((taskId) => {
      const dependencies = [...this.#graph.dependencies(task)];
      return dependencies.filter(
        (number) => this.#graph.plan.id(this.#graph.ref(number)) === taskId,
      );
    });
    this.#forget(event.taskId);
    if (lost.length === 0) {
      await this.stop(this.#failureOf(task, event.failure));
      return;
    }
    for (const number of lost) {
      await store.dropRecord(this.#graph.plan.id(this.#graph.ref(number)));
      observer.healed(number);
      if (!this.#isPending(number)) this.#states[number] = 'idle';
    }
    this.#states[task] = 'waiting';
    await this.#require(lost);
    const pending = this.#graph.dependencies(task).filter((needed) => this.#isPending(needed));
    this.#waitingFor[task] = pending.length;
    if (pending.length === 0) this.#makeReady(task);
  }

  #failureOf(task: TaskNumber, failure: FailureJson): BivdiffError {
    return taskFailure(this.#graph, task, { failure, attempts: this.#attempts[task]! });
  }
}

/** What the worker said, or would have said had the bus not lost it. */
function committedEvent(record: ResultRecord): WorkerEvent {
  const { taskId, worker, attempt } = record;
  return { kind: 'committed', taskId, worker, attempt, record };
}
