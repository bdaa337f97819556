// Who works: what each worker said last, and whether that was recent. Lost with the coordinator, and back within one beat.

import type { Pool, TaskId } from '../common/task.ts';
import { WORKER_BEAT_MS, WORKER_SILENT_MS } from '../common/worker-status.ts';
import type { WorkerStatus } from '../common/worker-status.ts';
import type { Clock } from './ports.ts';

interface Heard {
  readonly status: WorkerStatus;
  readonly atMs: number;
}

export class WorkerRegistry {
  readonly #clock: Clock;
  readonly #workers = new Map<string, Heard>();
  /** Kept as sums: they are asked for at every event of a farm of thousands. */
  readonly #slots = new Map<Pool, number>();
  #sweptMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes in a beat. */
  note(status: WorkerStatus): void {
    this.#drop(status.name);
    if (status.leaving) return;
    this.#workers.set(status.name, { status, atMs: this.#clock.nowMs() });
    this.#count(status, 1);
  }

  /** Those heard of lately, by name. */
  get alive(): readonly WorkerStatus[] {
    this.#sweep(0);
    return [...this.#workers.values()]
      .map(({ status }) => status)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Tasks that the workers of a pool can run at once; `any`: all workers. */
  slotsOf(pool: Pool): number {
    this.#sweep(WORKER_BEAT_MS / 2);
    return this.#slots.get(pool) ?? 0;
  }

  /** Tasks that those heard of lately say they run. */
  get running(): ReadonlySet<TaskId> {
    this.#sweep(0);
    const running = new Set<TaskId>();
    for (const { status } of this.#workers.values()) {
      for (const taskId of status.running) running.add(taskId);
    }
    return running;
  }

  /** Forgets those that were silent for too long; looks at most so often. */
  #sweep(everyMs: number): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#sweptMs < everyMs) return;
    this.#sweptMs = nowMs;
    const oldest = nowMs - WORKER_SILENT_MS;
    for (const [name, { atMs }] of this.#workers) if (atMs < oldest) this.#drop(name);
  }

  #drop(name: string): void {
    const heard = this.#workers.get(name);
    if (heard === undefined) return;
    this.#workers.delete(name);
    this.#count(heard.status, -1);
  }

  #count({ pools, slots, draining }: WorkerStatus, sign: 1 | -1): void {
    if (draining) return;
    for (const pool of new Set<Pool>([...pools, 'any'])) {
      this.#slots.set(pool, (this.#slots.get(pool) ?? 0) + sign * slots);
    }
  }
}
