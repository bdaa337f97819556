// One job on its way: publishes its ready tasks when told to, acts on what workers report. Can be lost, and made again from the store.

import type { BivdiffError, FailureJson } from '../../common/errors.ts';
import { passFailurePoint } from '../../common/failure-points/failure-point.ts';
import type { WorkerEvent } from '../../common/bus/ports.ts';
import { queueOfStage } from '../../common/placement.ts';
import type { JobId, Pool, TaskId } from '../../common/task.ts';
import { decideAfterFailure, isStoreFull } from '../domain/failure-policy.ts';
import type { TaskCounts } from '../domain/work/task-counts.ts';
import type { TaskGraph, TaskNumber } from '../domain/task-graph.ts';
import type { Needer } from './published-task.ts';
import type { JobRunOptions } from './job-run-options.ts';
import { NextAttempt } from './next-attempt.ts';
import { LONE_WORKER } from '../ports.ts';
import { SecondCopies } from './second-copies.ts';
import { surveyStore } from './survey.ts';
import { TaskBoard } from './task-board.ts';
import { lostInputs, lostWorkersFailure, taskFailure } from './task-failure.ts';
import { Attempts } from './attempts.ts';
import { HeldSteps } from './held-steps.ts';

export class JobRun implements Needer {
  readonly jobId: JobId;
  readonly owner: string;
  readonly #options: JobRunOptions;
  readonly #graph: TaskGraph;
  readonly #board: TaskBoard;
  readonly #attempts: Attempts;
  readonly #held: HeldSteps;
  readonly #nextAttempt: NextAttempt;
  readonly #copies: SecondCopies;
  readonly #out = new Map<TaskId, TaskNumber>();
  /** Of two nodes the same work: what else is there once a task that is out is. */
  readonly #twins = new Map<TaskId, TaskNumber[]>();
  readonly #started = new Set<TaskId>();
  readonly #timers = new Map<TaskNumber, () => void>();
  #failure: BivdiffError | undefined;
  #hasLeft = false;

  constructor(options: JobRunOptions) {
    this.#options = options;
    this.jobId = options.jobId;
    this.owner = options.owner ?? '';
    this.#graph = options.graph;
    const { graph, workers = LONE_WORKER, holds, observer } = options;
    this.#board = new TaskBoard(graph, options.onReady);
    this.#attempts = new Attempts(graph.size);
    this.#held = new HeldSteps(graph, { workers, holds });
    const told = { attempts: this.#attempts, workers, held: this.#held };
    this.#nextAttempt = new NextAttempt(graph, told);
    this.#copies = new SecondCopies({
      ...{ ...options, workers },
      nextAttempt: (task) => this.#nextAttempt.message(task),
      onCopy: (task, worker) => {
        this.#attempts.copied(this.#graph.plan.id(this.#graph.ref(task)));
        this.#attempts.doesNotCount(task);
        observer.copied?.(task, worker);
      },
    });
  }

  /** Nothing is left to do, or the job has failed and nothing of it runs any more. */
  get isOver(): boolean {
    return this.#failure === undefined ? this.#board.left === 0 : this.#started.size === 0;
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
    return this.#failure === undefined ? this.#board.openingLeft : 0;
  }

  /** Tasks of a pool that could be published now. */
  readyCount(pool: Pool): number {
    if (this.#failure !== undefined || this.#hasLeft) return 0;
    return this.#board.readyCount(pool);
  }

  /** Adds its tasks that must run and are not done; nothing once it has failed or left. */
  addTo(counts: TaskCounts): void {
    if (this.#failure !== undefined || this.#hasLeft) return;
    this.#board.addTo(counts);
    for (const taskId of this.#started) {
      const stage = this.#graph.stage(this.#out.get(taskId)!);
      counts.add(stage, 'published', -1);
      counts.add(stage, 'running', 1);
    }
  }

  /** Tasks of which all that they read is there, published or not, in order. */
  get ready(): readonly TaskNumber[] {
    return this.#board.readyOrOut;
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
    const task = this.readyCount(pool) > 0 ? this.#board.takeNext(pool) : undefined;
    if (task === undefined) return;
    const message = this.#nextAttempt.message(task);
    const { id } = message.task;
    if (this.#out.has(id)) {
      this.#twins.set(id, [...(this.#twins.get(id) ?? []), task]);
      return;
    }
    this.#out.set(id, task);
    const queue = queueOfStage(message.task.stage, message.task.numericsClass);
    const { numericsKey } = this.#graph;
    this.#options.out.add(this, message, { queue, pool, numericsKey });
  }

  /** Takes in what a worker reports. Events of tasks that this job has not out are ignored, and what was told before. */
  async handle(event: WorkerEvent): Promise<void> {
    const task = this.#out.get(event.taskId);
    if (task === undefined || this.#attempts.isToldAgain(task, event)) return;
    this.#options.observer.event(task, event);
    if (event.kind === 'started') await this.#noteStart(task, event);
    if (event.kind === 'committed') await this.#settle(task, event);
    if (event.kind === 'failed') await this.#handleFailure(task, event);
  }

  /** Gives tasks that take far too long to idle workers too. */
  publishCopies(): void {
    if (this.#failure === undefined && !this.#hasLeft) this.#copies.publish();
  }

  /** Publishes nothing more, stops what runs and no other job needs, and fails with `reason` once that has stopped. */
  async stop(reason: BivdiffError): Promise<void> {
    this.#failure ??= reason;
    this.#held.dropAll();
    for (const callOff of this.#timers.values()) callOff();
    this.#timers.clear();
    const { jobId, out } = this.#options;
    // Its room is others' at once.
    const ours = [...this.#out.keys()].filter((taskId) => out.remove(this, taskId));
    await out
      .withdraw(jobId, ours, (taskId) => this.#started.has(taskId))
      .finally(() => {
        // What no worker has begun is withdrawn, and what goes on is another job's; nobody will report it.
        const stopping = new Set(ours.filter((taskId) => this.#started.has(taskId)));
        for (const taskId of [...this.#out.keys()]) if (!stopping.has(taskId)) this.#forget(taskId);
      });
  }

  /** Lets go of everything and touches nothing: what is out goes on, for whoever needs it. */
  leave(): void {
    this.#hasLeft = true;
    for (const callOff of this.#timers.values()) callOff();
    this.#timers.clear();
    for (const taskId of [...this.#out.keys()]) this.#forget(taskId);
    this.#held.dropAll();
  }

  async #noteStart(
    task: TaskNumber,
    { taskId, worker, doneSteps }: Extract<WorkerEvent, { kind: 'started' }>,
  ): Promise<void> {
    this.#started.add(taskId);
    this.#copies.begun(task, worker);
    const { lostNow, lost } = this.#attempts.begun(taskId, worker, doneSteps);
    if (lostNow !== undefined) this.#options.observer.lost?.(task, lostNow);
    const { policy, out, jobId } = this.#options;
    if (lost.length < policy.lostWorkersMax) return;
    this.#forget(taskId);
    await out.withdraw(jobId, [taskId]);
    await this.stop(lostWorkersFailure(this.#graph, task, lost));
  }

  async #require(wanted: readonly TaskNumber[]): Promise<void> {
    const { store, observer } = this.#options;
    const survey = await surveyStore(this.#graph, store, wanted, (task) => this.#held.has(task));
    const fresh = survey.missing.filter((task) => !this.#board.isPending(task));
    observer.surveyed(survey.found, fresh);
    this.#board.require(fresh);
  }

  #forget(taskId: TaskId): void {
    const task = this.#out.get(taskId);
    if (task !== undefined) this.#copies.over(task);
    this.#options.out.remove(this, taskId);
    this.#out.delete(taskId);
    this.#started.delete(taskId);
    this.#twins.delete(taskId);
    this.#attempts.forget(taskId);
  }

  async #settle(
    task: TaskNumber,
    event: Extract<WorkerEvent, { kind: 'committed' }>,
  ): Promise<void> {
    const { taskId, result } = event;
    const { out, jobId } = this.#options;
    const hadCopy = this.#copies.hasCopy(task);
    const twins = this.#twins.get(taskId) ?? [];
    this.#copies.finished(task, result.seconds);
    this.#forget(taskId);
    for (const one of [task, ...twins]) {
      if (one !== task) this.#options.observer.event(one, event);
      this.#held.settle(one, event, (reader) => this.#board.isPending(reader));
      this.#board.settle(one);
    }
    if (this.#board.left === 0) this.#held.dropAll();
    if (!hadCopy) return;
    // Where it cannot be stopped it runs to its end, which does no harm.
    await out.withdraw(jobId, [taskId]).catch(() => undefined);
  }

  async #handleFailure(
    task: TaskNumber,
    event: Extract<WorkerEvent, { kind: 'failed' }>,
  ): Promise<void> {
    this.#attempts.ended(event.taskId, event.worker);
    // The other run of a task that has two has what it reads; should it be lost too, somebody tries again.
    const goesOn = this.#copies.hasCopy(task) && this.#attempts.isRunning(event.taskId);
    if (goesOn && this.#failure === undefined && event.failure.code === 'data-loss') return;
    this.#started.delete(event.taskId);
    this.#copies.failed(task);
    if (this.#failure !== undefined) {
      this.#forget(event.taskId);
      return;
    }
    const attempts = this.#attempts;
    // Nobody asked for it: the worker lost its lease, and the bus has given the task to another, or will. Or it was reported before.
    if (event.failure.code === 'cancelled' || !attempts.failed(task, event.attempt)) return;
    const hasNoRoom = isStoreFull(event.failure);
    const isForALarger = this.#nextAttempt.isForALarger(task, event.worker, event.failure);
    const isHeldLost = this.#held.wereLost(task, event.failure);
    if (hasNoRoom || isForALarger || isHeldLost) attempts.doesNotCount(task);
    const attempt = hasNoRoom ? attempts.count(task) : attempts.failures(task);
    const decision = decideAfterFailure(event.failure, attempt, this.#options.policy);
    switch (decision.kind) {
      case 'retry': {
        if (decision.excludeWorker) attempts.exclude(task, event.worker);
        const delayMs = this.#nextAttempt.delayMs(task, decision);
        this.#options.observer.retried?.(task, { delayMs });
        this.#options.out.rest(event.taskId);
        this.#publishLater(task, delayMs);
        return;
      }
      case 'heal':
        return this.#heal(task, event);
      case 'fail':
        // With this one: a copy of it may be under way.
        await this.stop(this.#failureOf(task, event.failure));
    }
  }

  #publishLater(task: TaskNumber, delayMs: number): void {
    const callOff = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(task);
      if (this.#failure === undefined) this.#options.out.again(this.#nextAttempt.message(task));
    });
    this.#timers.set(task, callOff);
  }

  /** An input of the task is gone: its record is dropped, the task that makes it runs again, then this one. */
  async #heal(task: TaskNumber, event: Extract<WorkerEvent, { kind: 'failed' }>): Promise<void> {
    const { store, observer } = this.#options;
    const { held } = event.failure.details;
    const dependencies = [...this.#graph.dependencies(task)];
    const lost = lostInputs(this.#graph, task, event.failure);
    const waiting = [task, ...(this.#twins.get(event.taskId) ?? [])];
    this.#forget(event.taskId);
    if (lost.length === 0) return this.stop(this.#failureOf(task, event.failure));
    for (const number of lost) {
      if (this.#held.has(number)) this.#held.lose(number);
      // What only a worker had has no record, but for what was made since.
      if (held !== true) await store.dropRecord(this.#graph.plan.id(this.#graph.ref(number)));
      passFailurePoint('record-dropped', this.#graph.stage(number));
      observer.healed?.(number);
      this.#board.lose(number);
    }
    for (const one of waiting) this.#board.takeBack(one);
    // Where one step is gone others may be, and the survey finds them all.
    await this.#require(this.#graph.step(task) === undefined ? lost : dependencies);
    for (const one of waiting) this.#board.awaitInputs(one);
  }

  #failureOf(task: TaskNumber, failure: FailureJson): BivdiffError {
    return taskFailure(this.#graph, task, { failure, attempts: this.#attempts.count(task) });
  }
}
