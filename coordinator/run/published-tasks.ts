// What is out on the farm: every task that some active job has published and that has not settled, each once whoever
// needs it. Counts them, and looks for what the bus may have lost. Knows nothing of how much may be out; all of it can be lost itself.

import { resultFacts } from '../../common/bus/ports.ts';
import type { CoordinatorBus, TaskMessage, WorkerEvent } from '../../common/bus/ports.ts';
import { boundedMessage, isTooLong } from '../../common/bus/task-inputs.ts';
import { BivdiffError } from '../../common/errors.ts';
import type { Store } from '../../common/store/ports.ts';
import type { JobId, Pool, Stage, TaskId } from '../../common/task.ts';
import { leavesSomebody } from '../domain/failure-policy.ts';
import type { Out } from '../domain/publish-order.ts';
import { mapBounded } from '../map-bounded.ts';
import type { Clock, Workforce } from '../ports.ts';
import type { Needer, Place, PublishedTask } from './published-task.ts';
import { Counts } from './counts.ts';

/** How long a task that nobody speaks of is left alone: doubles while the bus still has it. */
const PATIENCE_MS = 1_000;
const PATIENCE_MAX_MS = 16_000;
const LOOKS_AT_ONCE = 32;

export interface PublishedTasksOptions {
  readonly bus: CoordinatorBus;
  readonly store: Store;
  readonly clock: Clock;
  /** Slots of the workers of a class that serve a pool, now. */
  readonly slotsOf: (pool: Pool, numericsKey: string) => number;
  /** As `Workforce.workersOf`. @default nobody is known, and nobody is looked for */
  readonly workersOf?: Workforce['workersOf'];
  /** Tasks that workers say they run. @default none */
  readonly claimed?: () => ReadonlySet<TaskId>;
  /** Told of what went wrong and will be tried again. */
  readonly onTrouble?: (error: BivdiffError) => void;
}

export class PublishedTasks implements Out {
  readonly #options: PublishedTasksOptions;
  readonly #tasks = new Map<TaskId, PublishedTask>();
  /** By class, then by pool or owner. */
  readonly #ofPools = new Counts();
  readonly #copiesOfPools = new Counts();
  readonly #ofOwners = new Counts();
  readonly #sending = new Set<Promise<void>>();
  /** What the bus will never take: its jobs fail when they hear of it. */
  readonly #refused: WorkerEvent[] = [];
  /** Tasks whose messages are being withdrawn: what is published of them meanwhile waits, or it would be withdrawn too. */
  readonly #withdrawing = new Map<TaskId, Promise<void>>();

  constructor(options: PublishedTasksOptions) {
    this.#options = options;
  }

  countOf(pool: Pool, numericsKey: string): number {
    return this.#ofPools.of(numericsKey, pool);
  }

  totalOf(numericsKey: string): number {
    return this.#ofPools.total(numericsKey);
  }

  /** Of those that were published for an owner's jobs: each has one, whoever needs it too. */
  countOfOwner(owner: string, numericsKey: string): number {
    return this.#ofOwners.of(numericsKey, owner);
  }

  /** Where a task that is out was published. */
  placeOf(taskId: TaskId): Pick<Place, 'pool' | 'numericsKey'> | undefined {
    return this.#tasks.get(taskId);
  }

  /** Of a task that is out. */
  stageOf(taskId: TaskId): Stage | undefined {
    return this.#tasks.get(taskId)?.message.task.stage;
  }

  needersOf(taskId: TaskId): readonly Needer[] {
    return this.#tasks.get(taskId)?.needers ?? [];
  }

  /** Publishes a task, unless another job has it out already: then that will do for both. */
  add(needer: Needer, message: TaskMessage, place: Place): void {
    const { id } = message.task;
    const known = this.#tasks.get(id);
    if (known !== undefined) {
      known.needers.push(needer);
      // What is published again shall not read what is lost since.
      const attempt = Math.max(known.message.attempt, message.attempt);
      known.message = { ...message, attempt };
      return;
    }
    const { owner } = needer;
    const times = { lookMs: 0, patienceMs: 0 };
    const task = { ...place, ...times, owner, needers: [needer], message, hasCopy: false };
    this.#tasks.set(id, task);
    this.#count(task, 1);
    this.#send(task);
  }

  /** Publishes the next attempt of a task that is out. */
  again(message: TaskMessage): void {
    const task = this.#tasks.get(message.task.id);
    if (task === undefined) return;
    task.message = message;
    this.#send(task);
  }

  /** Whether some slots of a pool have nothing to do, as far as what is out can tell. */
  hasIdleSlot(pool: Pool, numericsKey: string): boolean {
    const copies = this.#copiesOfPools.of(numericsKey, pool);
    const messages = this.countOf(pool, numericsKey) + copies;
    return messages < this.#options.slotsOf(pool, numericsKey);
  }

  /** Publishes a second message of a task that is out. One that is lost is not looked for: the first is. */
  copy(message: TaskMessage): void {
    const task = this.#tasks.get(message.task.id);
    if (task === undefined || task.hasCopy) return;
    task.hasCopy = true;
    this.#copiesOfPools.add(task.numericsKey, task.pool, 1);
    this.#publish(task.queue, message);
  }

  /** No message of it is on its way until `again`. */
  rest(taskId: TaskId): void {
    const task = this.#tasks.get(taskId);
    if (task !== undefined) task.lookMs = Infinity;
  }

  /** Whether nobody else needs it: then it is out no longer. */
  remove(needer: Needer, taskId: TaskId): boolean {
    const task = this.#tasks.get(taskId);
    if (task === undefined) return true;
    const index = task.needers.indexOf(needer);
    if (index >= 0) task.needers.splice(index, 1);
    if (task.needers.length > 0) return false;
    this.#tasks.delete(taskId);
    this.#count(task, -1);
    if (task.hasCopy) this.#copiesOfPools.add(task.numericsKey, task.pool, -1);
    return true;
  }

  /**
   * Withdraws the messages of tasks, and stops those that run. What is published of them meanwhile goes out
   * afterwards. @throws as the bus
   */
  async withdraw(
    jobId: JobId,
    taskIds: readonly TaskId[],
    isRunning: (taskId: TaskId) => boolean = () => false,
  ): Promise<void> {
    const { bus } = this.#options;
    const running = taskIds.filter(isRunning);
    const told =
      running.length === 0
        ? undefined
        : bus.cancel({ jobId, taskIds: running }).catch(() => undefined);
    // The devices first; whom it does not reach is told again. What is on its way to the bus could not be withdrawn yet.
    const withdrawn = Promise.all([told, this.settled()]).then(() =>
      bus.cancel({ jobId, taskIds }),
    );
    const ended = withdrawn.catch(() => undefined);
    for (const taskId of taskIds) this.#withdrawing.set(taskId, ended);
    await withdrawn.finally(() => {
      for (const taskId of taskIds) {
        if (this.#withdrawing.get(taskId) === ended) this.#withdrawing.delete(taskId);
      }
    });
  }

  /** Resolves when the bus has all that was published, or has refused it. */
  async settled(): Promise<void> {
    await Promise.all(this.#sending);
  }

  /**
   * Looks for tasks of which nobody has spoken for a while: a worker runs it, or the bus has it, or its result is in the store
   * (given as the event that was lost), or it was lost with the bus and is published again. What the bus will never take has failed.
   * @throws unavailable — bus or store cannot say now
   */
  async reconcile(): Promise<readonly WorkerEvent[]> {
    const { clock, claimed } = this.#options;
    const running = claimed?.() ?? new Set<TaskId>();
    const nowMs = clock.nowMs();
    const due: PublishedTask[] = [];
    const refused: PublishedTask[] = [];
    for (const [taskId, task] of this.#tasks) {
      if (running.has(taskId)) this.#seen(task);
      else if (this.#isRefusedByAll(task)) refused.push(task);
      else if (task.lookMs <= nowMs) due.push(task);
    }
    await mapBounded(refused, LOOKS_AT_ONCE, (task) => this.#waive(task));
    const outcomes = await mapBounded(due, LOOKS_AT_ONCE, (task) => this.#lookFor(task));
    // Where one message is lost, all may be.
    if (outcomes.includes('lost')) for (const task of this.#tasks.values()) this.#lookSoon(task);
    const found = outcomes.filter((outcome) => outcome !== 'lost' && outcome !== undefined);
    return [...this.#refused.splice(0), ...found];
  }

  /** Those who could take it when it was published have gone. */
  #isRefusedByAll({ message, pool, numericsKey, lookMs }: PublishedTask): boolean {
    const { excludedWorkers, memoryBytes = 0 } = message;
    if ((excludedWorkers.length === 0 && memoryBytes === 0) || lookMs === Infinity) return false;
    const { workersOf = () => new Set<string>() } = this.#options;
    if (workersOf(pool, numericsKey).size === 0) return false;
    return !leavesSomebody(excludedWorkers, workersOf(pool, numericsKey, memoryBytes));
  }

  /** Its message is withdrawn, and goes out again for everybody. */
  async #waive(task: PublishedTask): Promise<void> {
    const { id } = task.message.task;
    await this.withdraw(task.needers[0]!.jobId, [id]);
    if (this.#tasks.get(id) !== task || task.lookMs === Infinity) return;
    task.message = { ...task.message, excludedWorkers: [], memoryBytes: undefined };
    this.#send(task);
  }

  async #lookFor(task: PublishedTask): Promise<WorkerEvent | 'lost' | undefined> {
    const { bus, store } = this.#options;
    const { id } = task.message.task;
    if (await bus.holds(task.queue, id)) {
      this.#seen(task);
      return undefined;
    }
    const record = await store.getRecord(id, { checkArtifacts: true });
    // It settled, or failed, while we looked.
    if (this.#tasks.get(id) !== task || task.lookMs === Infinity) return undefined;
    if (record === undefined) {
      this.#send(task);
      return 'lost';
    }
    this.#seen(task);
    const { worker, attempt } = record;
    return { kind: 'committed', taskId: id, worker, attempt, result: resultFacts(record) };
  }

  #seen(task: PublishedTask): void {
    if (task.lookMs === Infinity) return;
    task.patienceMs = Math.min(2 * task.patienceMs, PATIENCE_MAX_MS);
    task.lookMs = this.#options.clock.nowMs() + task.patienceMs;
  }

  #lookSoon(task: PublishedTask): void {
    if (task.lookMs === Infinity) return;
    task.patienceMs = PATIENCE_MS;
    task.lookMs = Math.min(task.lookMs, this.#options.clock.nowMs() + PATIENCE_MS);
  }

  #send(task: PublishedTask): void {
    task.patienceMs = PATIENCE_MS;
    task.lookMs = this.#options.clock.nowMs() + PATIENCE_MS;
    this.#publish(task.queue, task.message);
  }

  #publish(queue: string, message: TaskMessage): void {
    const { bus, store, onTrouble } = this.#options;
    const bounded = isTooLong(message) ? boundedMessage(store, message) : message;
    const withdrawing = this.#withdrawing.get(message.task.id);
    const published =
      withdrawing === undefined && bounded === message
        ? bus.publish(queue, message)
        : Promise.all([bounded, withdrawing]).then(([short]) => bus.publish(queue, short));
    const sending = published
      .catch((reason: unknown) => {
        const error = BivdiffError.from(reason);
        if (error.code === 'failed-precondition') this.#noteRefused(message, error);
        // The bus or the store is away, or full: `reconcile` finds that the bus has not got the task.
        else onTrouble?.(error);
      })
      .finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  #noteRefused({ task: { id: taskId }, attempt }: TaskMessage, error: BivdiffError): void {
    this.rest(taskId);
    const facts = { taskId, worker: 'coordinator', attempt };
    this.#refused.push({ kind: 'failed', ...facts, failure: error.toJSON() });
  }

  #count({ numericsKey, pool, owner }: PublishedTask, by: 1 | -1): void {
    this.#ofPools.add(numericsKey, pool, by);
    this.#ofOwners.add(numericsKey, owner, by);
  }
}
