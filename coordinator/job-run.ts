// One job on its way: which of its tasks wait, are ready, are out, are done; publishes ready ones when told to, and acts on what
// workers report. All of it can be lost and made again from the store.

import type { BivdiffError } from '../common/errors.ts';
import type { FailureJson } from '../common/errors.ts';
import type { CoordinatorBus, TaskMessage, WorkerEvent } from '../common/bus/ports.ts';
import { queueOfStage } from '../common/placement.ts';
import { STAGE_FACTS } from '../common/stages.ts';
import type { Store } from '../common/store/ports.ts';
import { STAGES } from '../common/task.ts';
import type { JobId, Pool, ResultRecord, Stage, TaskId } from '../common/task.ts';
import { PROTOCOL_VERSION } from '../common/worker-status.ts';
import { decideAfterFailure, excludedWorkers } from './domain/failure-policy.ts';
import type { FailurePolicy } from './domain/failure-policy.ts';
import { ReadyQueue } from './domain/ready-queue.ts';
import type { TaskGraph, TaskNumber } from './domain/task-graph.ts';
import type { Needer, OutTasks } from './out-tasks.ts';
import { LONE_WORKER } from './ports.ts';
import type { Clock, Workforce } from './ports.ts';
import { surveyStore } from './survey.ts';
import { lostWorkersFailure, taskFailure } from './task-failure.ts';
import { Tries } from './tries.ts';

/**
 * - `idle`: nothing that must run needs it, or its result is in the store
 * - `waiting`: must run; an input is not there yet
 * - `ready`: must run; could be published
 * - `out`: published, or waiting for its next try
 * - `done`: committed by this run
 */
type TaskState = 'idle' | 'waiting' | 'ready' | 'out' | 'done';

/** A job's opening: what needs no video model, and is wide. */
const OPENING_STAGES = new Set<Stage>(STAGES.slice(0, STAGES.indexOf('generate') + 1));

export interface JobRunOptions {
  readonly jobId: JobId;
  readonly graph: TaskGraph;
  readonly store: Store;
  readonly bus: CoordinatorBus;
  readonly clock: Clock;
  readonly policy: FailurePolicy;
  /** What is out on the farm, of all jobs. */
  readonly out: OutTasks;
  /** Who may run tasks. @default one worker alone */
  readonly workers?: Workforce;
  readonly observer: JobObserver;
  /** @default nobody's */
  readonly owner?: string;
}

/** Told of every change, at once, on the caller's thread. */
export interface JobObserver {
  surveyed(found: ReadonlyMap<TaskNumber, ResultRecord>, missing: readonly TaskNumber[]): void;
  event(task: TaskNumber, event: WorkerEvent): void;
  /** A result was lost and its task will run again. */
  healed(task: TaskNumber): void;
  /** A try failed, and there will be another after `delayMs`. */
  retried?(task: TaskNumber, retry: { readonly delayMs: number }): void;
  /** A worker that ran it was not heard of again; another has begun it. */
  lost?(task: TaskNumber, worker: string): void;
}

export class JobRun implements Needer {
  readonly jobId: JobId;
  readonly owner: string;
  readonly #options: JobRunOptions;
  readonly #graph: TaskGraph;
  readonly #states: TaskState[];
  readonly #waitingFor: Uint32Array;
  readonly #tries: Tries;
  readonly #ready = new Map<Pool, ReadyQueue>();
  readonly #out = new Map<TaskId, TaskNumber>();
  readonly #started = new Set<TaskId>();
  readonly #timers = new Map<TaskNumber, () => void>();
  #left = 0;
  #openingLeft = 0;
  #failure: BivdiffError | undefined;

  constructor(options: JobRunOptions) {
    this.#options = options;
    this.jobId = options.jobId;
    this.owner = options.owner ?? '';
    this.#graph = options.graph;
    this.#states = new Array<TaskState>(options.graph.size).fill('idle');
    this.#waitingFor = new Uint32Array(options.graph.size);
    this.#tries = new Tries(options.graph.size);
    for (const stage of options.graph.plan.stages) {
      const queue = new ReadyQueue((task) => options.graph.priority(task));
      this.#ready.set(STAGE_FACTS[stage].pool, queue);
    }
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

  /** Tasks of its opening that are not published yet, whether or not they could be. */
  get openingLeft(): number {
    return this.#failure === undefined ? this.#openingLeft : 0;
  }

  /** Tasks of a pool that could be published now. */
  readyCount(pool: Pool): number {
    return this.#failure === undefined ? (this.#ready.get(pool)?.size ?? 0) : 0;
  }

  /** Tasks that could be published now, in no order. */
  get ready(): readonly TaskNumber[] {
    return [...this.#states.keys()].filter((task) => this.#states[task] === 'ready');
  }

  /** Whether it has this task out. */
  hasOut(taskId: TaskId): boolean {
    return this.#out.has(taskId);
  }

  /** Finds out what must run for these results. */
  async start(wanted: readonly TaskNumber[]): Promise<void> {
    await this.#require(wanted);
  }

  /** Publishes the first of the ready tasks of a pool, if there is one. */
  publishNext(pool: Pool): void {
    const task = this.readyCount(pool) > 0 ? this.#ready.get(pool)!.pop() : undefined;
    if (task === undefined) return;
    this.#states[task] = 'out';
    const ref = this.#graph.ref(task);
    if (OPENING_STAGES.has(ref.stage)) this.#openingLeft -= 1;
    const message = this.#nextTry(task);
    this.#out.set(message.task.id, task);
    this.#options.out.add(this, message, { queue: queueOfStage(ref.stage), pool });
  }

  /** Takes in what a worker reports. Events of tasks that this job has not out are ignored. */
  async handle(event: WorkerEvent): Promise<void> {
    const task = this.#out.get(event.taskId);
    if (task === undefined) return;
    this.#options.observer.event(task, event);
    if (event.kind === 'started') await this.#noteStart(task, event);
    if (event.kind === 'committed') this.#settle(task, event.taskId);
    if (event.kind === 'failed') await this.#handleFailure(task, event);
  }

  /** Publishes nothing more, stops what runs and no other job needs, and fails with `reason` once that has stopped. */
  async stop(reason: BivdiffError): Promise<void> {
    this.#failure ??= reason;
    for (const callOff of this.#timers.values()) callOff();
    this.#timers.clear();
    const { bus, jobId, out } = this.#options;
    // What is published while it is withdrawn would stay.
    await out.settled();
    const taskIds = [...this.#out.keys()].filter((taskId) => out.remove(this, taskId));
    // What no worker has begun is withdrawn with the cancel, and what goes on is another job's; nobody will report it.
    const stopping = new Set(taskIds.filter((taskId) => this.#started.has(taskId)));
    for (const taskId of [...this.#out.keys()]) if (!stopping.has(taskId)) this.#forget(taskId);
    await bus.cancel({ jobId, taskIds });
  }

  /** Lets go of everything and touches nothing: what is out goes on, for whoever needs it. */
  leave(): void {
    for (const callOff of this.#timers.values()) callOff();
    this.#timers.clear();
    for (const taskId of [...this.#out.keys()]) this.#forget(taskId);
  }

  async #noteStart(
    task: TaskNumber,
    { taskId, worker }: Extract<WorkerEvent, { kind: 'started' }>,
  ): Promise<void> {
    this.#started.add(taskId);
    const lost = this.#tries.begun(taskId, worker);
    const lostNow = lost.at(-1);
    if (lostNow !== undefined) this.#options.observer.lost?.(task, lostNow);
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
      if (OPENING_STAGES.has(this.#graph.ref(task).stage)) this.#openingLeft += 1;
      this.#await(task);
    }
  }

  /** Ready once all that it reads is there. */
  #await(task: TaskNumber): void {
    const pending = this.#graph.dependencies(task).filter((needed) => this.#isPending(needed));
    this.#waitingFor[task] = pending.length;
    if (pending.length === 0) this.#makeReady(task);
  }

  #isPending(task: TaskNumber): boolean {
    const state = this.#states[task];
    return state === 'waiting' || state === 'ready' || state === 'out';
  }

  #makeReady(task: TaskNumber): void {
    this.#states[task] = 'ready';
    this.#ready.get(STAGE_FACTS[this.#graph.ref(task).stage].pool)!.push(task);
  }

  #nextTry(task: TaskNumber): TaskMessage {
    const ref = this.#graph.ref(task);
    const { workers = LONE_WORKER } = this.#options;
    return {
      protocol: PROTOCOL_VERSION,
      attempt: this.#tries.next(task),
      task: this.#graph.plan.task(ref),
      excludedWorkers: excludedWorkers({
        failed: this.#tries.excludedWorkers(task),
        setAside: workers.setAside(ref.stage),
        there: workers.workersOf(STAGE_FACTS[ref.stage].pool),
      }),
    };
  }

  #forget(taskId: TaskId): void {
    this.#options.out.remove(this, taskId);
    this.#out.delete(taskId);
    this.#started.delete(taskId);
    this.#tries.forget(taskId);
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
    this.#tries.ended(event.taskId, event.worker);
    if (this.#failure !== undefined) {
      this.#forget(event.taskId);
      return;
    }
    // Nobody asked for it: the worker lost its lease (it was too slow to say that it is alive), and the bus has given the task
    // to another, or will.
    if (event.failure.code === 'cancelled') return;
    const decision = decideAfterFailure(
      event.failure,
      this.#tries.count(task),
      this.#options.policy,
    );
    switch (decision.kind) {
      case 'retry':
        if (decision.excludeWorker) this.#tries.exclude(task, event.worker);
        this.#options.observer.retried?.(task, decision);
        this.#options.out.rest(event.taskId);
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
      if (this.#failure === undefined) this.#options.out.again(this.#nextTry(task));
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
    if (OPENING_STAGES.has(this.#graph.ref(task).stage)) this.#openingLeft += 1;
    await this.#require(lost);
    this.#await(task);
  }

  #failureOf(task: TaskNumber, failure: FailureJson): BivdiffError {
    return taskFailure(this.#graph, task, { failure, attempts: this.#tries.count(task) });
  }
}
