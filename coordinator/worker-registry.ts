// Who works: what each worker said last, and whether that was recent. Lost with the coordinator, and back within one beat.

import { WORKER_BEAT_MS } from '../common/worker-status.ts';
import type { WorkerStatus } from '../common/worker-status.ts';
import type { Clock } from './ports.ts';

const BEATS_MISSED_MAX = 3;

export class WorkerRegistry {
  readonly #clock: Clock;
  readonly #workers = new Map<string, { readonly status: WorkerStatus; readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes in a beat. */
  note(status: WorkerStatus): void {
    if (status.leaving) this.#workers.delete(status.name);
    else this.#workers.set(status.name, { status, atMs: this.#clock.nowMs() });
  }

  /** Those heard of lately, by name. */
  get alive(): readonly WorkerStatus[] {
    const oldest = this.#clock.nowMs() - BEATS_MISSED_MAX * WORKER_BEAT_MS;
    for (const [name, { atMs }] of this.#workers) if (atMs < oldest) this.#workers.delete(name);
    return [...this.#workers.values()]
      .map(({ status }) => status)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Tasks that all of them can run at once. */
  get slots(): number {
    return this.alive.reduce((sum, { slots, draining }) => sum + (draining ? 0 : slots), 0);
  }
}
