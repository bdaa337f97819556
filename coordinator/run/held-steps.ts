// Steps of windows whose results the workers hold that made them, most of them nobody else: which may be, which are, where, and for how
// long. All of it can be lost: what nobody holds is run again from the last step that is stored.

import type { HeldResult, TaskMessage, WorkerEvent } from '../../common/bus/ports.ts';
import type { FailureJson } from '../../common/errors.ts';
import type { TaskId } from '../../common/task.ts';
import type { TaskGraph, TaskNumber } from '../domain/task-graph.ts';
import type { Workforce } from '../ports.ts';
import { SharedHolds } from './shared-holds.ts';

/** Share of the steps' time that storing some of them may take. */
const STORING_SHARE = 0.02;
/** However quick a step is: so many at most are run again. */
const STORED_EVERY_MAX = 16;
/** Workers that serve where others cannot reach them, or hold too little: after so many steps lost like that a job's are stored. */
const UNREACHED_MAX = 3;
/** Weight of the newest measurement. */
const NEWEST = 0.2;

export class HeldSteps {
  readonly #graph: TaskGraph;
  readonly #workers: Workforce;
  readonly #holds: SharedHolds;
  readonly #held = new Map<TaskNumber, HeldResult>();
  /** Tasks that read it and have not settled. */
  readonly #readers = new Map<TaskNumber, Set<TaskNumber>>();
  /** Was lost once: it is stored the next time, so that nothing is made over and over. */
  readonly #lost = new Set<TaskNumber>();
  /** Steps that could not be had although their holder was there. */
  #unreached = 0;
  #stepSeconds: number | undefined;
  #storingSeconds: number | undefined;

  constructor(
    graph: TaskGraph,
    {
      workers,
      holds = new SharedHolds(),
    }: { readonly workers: Workforce; readonly holds?: SharedHolds | undefined },
  ) {
    this.#graph = graph;
    this.#workers = workers;
    this.#holds = holds;
  }

  has(task: TaskNumber): boolean {
    return this.#held.has(task);
  }

  /** What a message of the task says of results that are held. */
  ofMessage(task: TaskNumber): Pick<TaskMessage, 'mayHold' | 'held'> {
    const step = this.#graph.step(task);
    const held: [TaskId, HeldResult][] = [];
    for (const read of this.#graph.dependencies(task)) {
      const result = this.#held.get(read);
      if (result !== undefined) held.push([this.#graph.plan.id(this.#graph.ref(read)), result]);
    }
    return {
      ...(step !== undefined && this.#mayHold(task, step) && { mayHold: true }),
      ...(held.length > 0 && { held: Object.fromEntries(held) }),
    };
  }

  /** It is done: what it read may be needed no longer. */
  settle(
    task: TaskNumber,
    event: Extract<WorkerEvent, { kind: 'committed' }>,
    isPending: (task: TaskNumber) => boolean,
  ): void {
    if (event.held !== undefined) {
      const result = { worker: event.result.worker, outputs: event.held };
      this.#holds.need(result);
      this.#drop(task);
      this.#held.set(task, result);
      this.#readers.set(task, new Set([...this.#graph.dependents(task)].filter(isPending)));
    }
    for (const read of this.#graph.dependencies(task)) this.#release(read, task);
    if (this.#graph.step(task) !== undefined) this.#measure(event);
  }

  /** Whether the task failed because a step is gone that somebody held: nobody's fault, and it is made again. */
  wereLost(task: TaskNumber, { code, details }: FailureJson): boolean {
    const lost = details['lostTasks'];
    const isUnstored = details['held'] === true || details['unrecorded'] === true;
    if (code !== 'data-loss' || !Array.isArray(lost) || !isUnstored) return false;
    return this.#graph.dependencies(task).some((read) => {
      const isStep = this.#graph.step(read) !== undefined;
      return isStep && lost.includes(this.#graph.plan.id(this.#graph.ref(read)));
    });
  }

  /** It is gone, and where its holder is, so is all else that this had. */
  lose(task: TaskNumber): void {
    const holder = this.#held.get(task)?.worker;
    this.#drop(task);
    this.#lost.add(task);
    if (holder === undefined) return;
    if (this.#workers.memoryOf(holder) !== undefined) {
      this.#unreached += 1;
      return;
    }
    for (const [other, { worker }] of this.#held) if (worker === holder) this.#drop(other);
  }

  /** The job needs none of it any more. */
  dropAll(): void {
    for (const task of [...this.#held.keys()]) this.#drop(task);
  }

  #mayHold(task: TaskNumber, step: number): boolean {
    if (this.#unreached >= UNREACHED_MAX || this.#lost.has(task)) return false;
    return (step + 1) % this.#storedEvery !== 0;
  }

  /** So many steps from one that is stored to the next; all of them are until storing was measured. */
  get #storedEvery(): number {
    if (this.#stepSeconds === undefined || this.#storingSeconds === undefined) return 1;
    const every = Math.ceil(this.#storingSeconds / (STORING_SHARE * this.#stepSeconds));
    return Math.min(STORED_EVERY_MAX, Math.max(1, every));
  }

  #release(task: TaskNumber, reader: TaskNumber): void {
    const readers = this.#readers.get(task);
    readers?.delete(reader);
    // Where a step was lost, readers that are done may have to run again, and would find nothing.
    if (readers?.size === 0 && this.#lost.size === 0) this.#drop(task);
  }

  #drop(task: TaskNumber): void {
    const result = this.#held.get(task);
    this.#held.delete(task);
    this.#readers.delete(task);
    if (result !== undefined) this.#holds.release(result);
  }

  #measure({ result, storingSeconds }: Extract<WorkerEvent, { kind: 'committed' }>): void {
    this.#stepSeconds = blend(this.#stepSeconds, result.seconds - (storingSeconds ?? 0));
    if (storingSeconds === undefined) return;
    this.#storingSeconds = blend(this.#storingSeconds, storingSeconds);
  }
}

function blend(before: number | undefined, seconds: number): number {
  return before === undefined ? seconds : before + NEWEST * (seconds - before);
}
