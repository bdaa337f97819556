// Where the tasks of one job are: which wait for what, which are ready for which pool, which are out, which are done. Knows neither
// store nor bus, and nothing of failures.

import { STAGE_FACTS } from '../../common/stage-facts.ts';
import { STAGES } from '../../common/task.ts';
import type { Pool, Stage } from '../../common/task.ts';
import { ReadyQueue } from '../domain/ready-queue.ts';
import type { TaskCounts } from '../domain/work/task-counts.ts';
import type { TaskGraph, TaskNumber } from '../domain/task-graph.ts';

/**
 * - `idle`: nothing that must run needs it, or its result is in the store
 * - `waiting`: must run; an input is not there yet
 * - `ready`: must run; could be published
 * - `out`: published, or waiting for its next attempt
 * - `done`: committed by this run
 */
type TaskState = 'idle' | 'waiting' | 'ready' | 'out' | 'done';

type PendingCounts = Record<'waiting' | 'ready' | 'out', number>;

/** Stages of a job's opening: what needs no video model, and is wide. */
const OPENING_STAGES = new Set<Stage>(STAGES.slice(0, STAGES.indexOf('generate') + 1));

export class TaskBoard {
  readonly #graph: TaskGraph;
  readonly #onReady: ((pool: Pool) => void) | undefined;
  readonly #states: TaskState[];
  /** By stage, of those that must run and are not done. */
  readonly #pending = new Map<Stage, PendingCounts>();
  readonly #waitingFor: Uint32Array;
  readonly #ready = new Map<Pool, ReadyQueue>();
  /** How many of the first tasks are its opening: those of the nodes before one of another stage. What is seen in results is none of it. */
  readonly #openings: number;
  #left = 0;
  #openingLeft = 0;

  /** `onReady` is told when there is something ready for a pool that had nothing. */
  constructor(graph: TaskGraph, onReady?: (pool: Pool) => void) {
    this.#graph = graph;
    this.#onReady = onReady;
    this.#states = new Array<TaskState>(graph.size).fill('idle');
    this.#waitingFor = new Uint32Array(graph.size);
    const { nodes } = graph.plan;
    const end = nodes.findIndex(({ stage }) => !OPENING_STAGES.has(stage));
    this.#openings = nodes.slice(0, end).reduce((sum, { count }) => sum + count, 0);
    for (const { stage } of nodes) {
      const { pool } = STAGE_FACTS[stage];
      this.#pending.set(stage, { waiting: 0, ready: 0, out: 0 });
      if (this.#ready.has(pool)) continue;
      const queue = new ReadyQueue((task) => graph.priority(task));
      this.#ready.set(pool, queue);
    }
  }

  /** Tasks that must run and are not done. */
  get left(): number {
    return this.#left;
  }

  /** Those of its opening that are not out yet, whether or not they could be. */
  get openingLeft(): number {
    return this.#openingLeft;
  }

  readyCount(pool: Pool): number {
    return this.#ready.get(pool)?.size ?? 0;
  }

  /** Tasks of which all that they read is there, out or not, in order. */
  get readyOrOut(): readonly TaskNumber[] {
    const isReady = (task: TaskNumber): boolean => ['ready', 'out'].includes(this.#states[task]!);
    return [...this.#states.keys()].filter(isReady);
  }

  /** Adds its tasks that wait, are ready, or are out, these as published. */
  addTo(counts: TaskCounts): void {
    for (const [stage, { waiting, ready, out }] of this.#pending) {
      counts.add(stage, 'waiting', waiting);
      counts.add(stage, 'ready', ready);
      counts.add(stage, 'published', out);
    }
  }

  /** Whether it must run, and is not done. */
  isPending(task: TaskNumber): boolean {
    return isCounted(this.#states[task]!);
  }

  /** These must run: none of them is pending, and all that they need and is not there is among them or pending. */
  require(tasks: readonly TaskNumber[]): void {
    for (const task of tasks) {
      this.#move(task, 'waiting');
      // What was done and is gone is waited for again.
      for (const dependent of this.#graph.dependents(task)) this.#awaitOneMore(dependent);
    }
    this.#left += tasks.length;
    for (const task of tasks) {
      this.#countOpening(task, 1);
      this.awaitInputs(task);
    }
  }

  /** Puts out the first of the ready tasks of a pool, if there is one. */
  takeNext(pool: Pool): TaskNumber | undefined {
    const task = this.#ready.get(pool)?.pop();
    if (task === undefined) return undefined;
    this.#move(task, 'out');
    this.#countOpening(task, -1);
    return task;
  }

  /** It is done; what waited for nothing else is ready. */
  settle(task: TaskNumber): void {
    this.#move(task, 'done');
    this.#left -= 1;
    for (const dependent of this.#graph.dependents(task)) {
      if (this.#states[dependent] !== 'waiting') continue;
      this.#waitingFor[dependent] = this.#waitingFor[dependent]! - 1;
      if (this.#waitingFor[dependent] === 0) this.#makeReady(dependent);
    }
  }

  /** Its result is lost. It is not pending until it is required. */
  lose(task: TaskNumber): void {
    if (!this.isPending(task)) this.#move(task, 'idle');
  }

  /** One that was out is so no longer. Whoever calls says by `awaitInputs` when what it needs is required. */
  takeBack(task: TaskNumber): void {
    this.#move(task, 'waiting');
    this.#countOpening(task, 1);
  }

  /** Ready once all that it reads is there. */
  awaitInputs(task: TaskNumber): void {
    const pending = this.#graph.dependencies(task).filter((needed) => this.isPending(needed));
    this.#waitingFor[task] = pending.length;
    if (pending.length === 0) this.#makeReady(task);
  }

  #awaitOneMore(task: TaskNumber): void {
    if (this.#states[task] === 'ready') {
      this.#ready.get(STAGE_FACTS[this.#graph.stage(task)].pool)!.remove(task);
      this.#waitingFor[task] = 0;
      this.#move(task, 'waiting');
    }
    if (this.#states[task] === 'waiting') this.#waitingFor[task] = this.#waitingFor[task]! + 1;
  }

  #makeReady(task: TaskNumber): void {
    this.#move(task, 'ready');
    const { pool } = STAGE_FACTS[this.#graph.stage(task)];
    const ready = this.#ready.get(pool)!;
    ready.push(task);
    if (ready.size === 1) this.#onReady?.(pool);
  }

  #move(task: TaskNumber, state: TaskState): void {
    const counts = this.#pending.get(this.#graph.stage(task))!;
    const before = this.#states[task]!;
    if (isCounted(before)) counts[before] -= 1;
    if (isCounted(state)) counts[state] += 1;
    this.#states[task] = state;
  }

  #countOpening(task: TaskNumber, by: 1 | -1): void {
    if (task < this.#openings) this.#openingLeft += by;
  }
}

function isCounted(state: TaskState): state is keyof PendingCounts {
  return state === 'waiting' || state === 'ready' || state === 'out';
}
