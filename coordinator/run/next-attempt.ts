// The message of a task's next attempt: who shall not have it, and how much memory it takes, as far as earlier attempts have shown.

import type { TaskMessage } from '../../common/bus/ports.ts';
import type { FailureJson } from '../../common/errors.ts';
import { STAGE_FACTS } from '../../common/stage-facts.ts';
import type { Stage } from '../../common/task.ts';
import { excludedWorkers, leavesSomebody, memoryMissed } from '../domain/failure-policy.ts';
import type { TaskGraph, TaskNumber } from '../domain/task-graph.ts';
import type { Workforce } from '../ports.ts';
import type { Attempts } from './attempts.ts';
import type { HeldSteps } from './held-steps.ts';

export interface NextAttemptOptions {
  readonly attempts: Attempts;
  readonly workers: Workforce;
  readonly held: HeldSteps;
}

export class NextAttempt {
  readonly #graph: TaskGraph;
  readonly #attempts: Attempts;
  readonly #workers: Workforce;
  readonly #held: HeldSteps;
  /** Tasks of a stage are of a size, so what one has shown holds for the others. */
  readonly #memoryBytes = new Map<Stage, number>();

  constructor(graph: TaskGraph, { attempts, workers, held }: NextAttemptOptions) {
    this.#graph = graph;
    this.#attempts = attempts;
    this.#workers = workers;
    this.#held = held;
  }

  /** Counts it. */
  message(task: TaskNumber): TaskMessage {
    const { plan } = this.#graph;
    const stage = this.#graph.stage(task);
    const memoryBytes = this.#memoryBytes.get(stage);
    const able = memoryBytes === undefined ? undefined : this.#workersWith(stage, memoryBytes);
    // Where nobody has so much, the others try: the device may have been full of something else.
    const isKept = able !== undefined && able.size > 0;
    return {
      attempt: this.#attempts.next(task),
      task: plan.task(this.#graph.ref(task)),
      excludedWorkers: excludedWorkers({
        failed: this.#attempts.excludedWorkers(task),
        setAside: this.#workers.setAside(stage),
        there: isKept ? able : this.#workersWith(stage, 0),
      }),
      ...(isKept && { memoryBytes }),
      ...this.#held.ofMessage(task),
    };
  }

  /** Another worker need not wait for a cause to pass that is the failed one's. */
  delayMs(
    task: TaskNumber,
    { delayMs, excludeWorker }: { readonly delayMs: number; readonly excludeWorker: boolean },
  ): number {
    const stage = this.#graph.stage(task);
    const able = this.#workersWith(stage, this.#memoryBytes.get(stage) ?? 0);
    const refusing = [...this.#attempts.excludedWorkers(task), ...this.#workers.setAside(stage)];
    return excludeWorker && leavesSomebody(refusing, able) ? 0 : delayMs;
  }

  /** Whether an attempt failed for want of memory that another worker has; from now on only such workers are asked. */
  isForALarger(task: TaskNumber, worker: string, failure: FailureJson): boolean {
    const hadBytes = this.#workers.memoryOf(worker);
    const missed = hadBytes === undefined ? undefined : memoryMissed(failure, hadBytes);
    if (missed === undefined) return false;
    const stage = this.#graph.stage(task);
    const needed = Math.max(missed, this.#memoryBytes.get(stage) ?? 0);
    if (this.#workersWith(stage, needed).size === 0) return false;
    this.#memoryBytes.set(stage, needed);
    return true;
  }

  #workersWith(stage: Stage, memoryBytes: number): ReadonlySet<string> {
    const { pool } = STAGE_FACTS[stage];
    return this.#workers.workersOf(pool, this.#graph.numericsKey, memoryBytes);
  }
}
