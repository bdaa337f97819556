// Second copies of tasks that take far too long, for workers that have nothing to do: whichever ends first is the result, and the
// other is stopped. Results are the same bytes, so nothing depends on which it is.

import type { TaskMessage } from '../../common/bus/ports.ts';
import { STAGE_FACTS } from '../../common/stage-facts.ts';
import { costUnits } from '../domain/cost.ts';
import type { FailurePolicy } from '../domain/failure-policy.ts';
import { Stragglers } from '../domain/stragglers.ts';
import type { TaskGraph, TaskNumber } from '../domain/task-graph.ts';
import type { PublishedTasks } from './published-tasks.ts';
import type { Clock, Workforce } from '../ports.ts';

export interface SecondCopiesOptions {
  readonly graph: TaskGraph;
  readonly clock: Clock;
  readonly policy: FailurePolicy;
  readonly out: PublishedTasks;
  readonly workers: Workforce;
  /** The message of one more attempt. */
  readonly nextAttempt: (task: TaskNumber) => TaskMessage;
  /** Told of every copy, and on whom the task takes so long. */
  readonly onCopy: (task: TaskNumber, worker: string) => void;
}

export class SecondCopies {
  readonly #options: SecondCopiesOptions;
  readonly #stragglers: Stragglers;
  readonly #copied = new Set<TaskNumber>();

  constructor(options: SecondCopiesOptions) {
    const { graph, policy } = options;
    this.#options = options;
    this.#stragglers = new Stragglers({
      policy,
      stageOf: (task) => graph.stage(task),
      unitsOf: (task) => costUnits(graph.plan, graph.ref(task)),
    });
  }

  /** A worker runs it from now on. */
  begun(task: TaskNumber, worker: string): void {
    this.#stragglers.begun(task, worker, this.#options.clock.nowMs());
  }

  /** It took a worker so long. */
  finished(task: TaskNumber, seconds: number): void {
    this.#stragglers.finished(task, seconds);
  }

  /** A run of it failed. */
  failed(task: TaskNumber): void {
    this.#stragglers.over(task);
  }

  hasCopy(task: TaskNumber): boolean {
    return this.#copied.has(task);
  }

  /** Neither run of it is waited for any more. */
  over(task: TaskNumber): void {
    this.#stragglers.over(task);
    this.#copied.delete(task);
  }

  /** One copy of each straggler, while there are workers with nothing to do. To be called now and then. */
  publish(): void {
    const { clock, graph, out, workers, nextAttempt, onCopy } = this.#options;
    const { numericsKey } = graph;
    for (const { task, worker } of this.#stragglers.slow(clock.nowMs())) {
      if (this.#copied.has(task)) continue;
      const { pool } = STAGE_FACTS[graph.stage(task)];
      if (!out.hasIdleSlot(pool, numericsKey)) continue;
      const idle = workers.idleOf(pool, numericsKey);
      if (![...idle].some((name) => name !== worker)) continue;
      this.#copied.add(task);
      const message = nextAttempt(task);
      const excluded = [...new Set([...message.excludedWorkers, worker])];
      out.copy({ ...message, excludedWorkers: excluded, isCopy: true });
      onCopy(task, worker);
    }
  }
}
