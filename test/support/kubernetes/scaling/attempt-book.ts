// Attempts at tasks as workers tell of them, and which of them were lost with their worker.

import type { CoordinatorBus, WorkerEvent } from '../../../../common/bus/ports.ts';
import { watchedBus } from '../../farm/watched-bus.ts';
import type { ToldWorker } from './pod-workers.ts';

interface Attempt {
  readonly worker: string;
  end?: { readonly outcome: 'committed' | 'failed' | 'stopped'; readonly atMs: number };
}

export class AttemptBook {
  readonly #attempts: Attempt[] = [];
  /** By worker and task. */
  readonly #open = new Map<string, Attempt>();

  get begun(): number {
    return this.#attempts.length;
  }

  get failed(): number {
    return this.#attempts.filter(({ end }) => end?.outcome === 'failed').length;
  }

  /** The bus as it is, each event written down. */
  watch<T extends CoordinatorBus>(bus: T): T {
    return watchedBus(bus, this.#note.bind(this));
  }

  /** Workers of attempts that were begun and came to nothing since their worker was ended. A copy that was called off is none. */
  lost(told: ReadonlyMap<string, ToldWorker>): readonly string[] {
    return this.#attempts
      .filter(({ worker, end }) => {
        const ended = told.get(worker);
        if (ended === undefined) return false;
        return end === undefined || (end.outcome === 'stopped' && end.atMs >= ended.atMs);
      })
      .map(({ worker }) => worker);
  }

  #note(event: WorkerEvent): void {
    const key = `${event.worker} ${event.taskId}`;
    const attempt = this.#open.get(key);
    if (event.kind === 'started' && attempt === undefined) {
      const begun: Attempt = { worker: event.worker };
      this.#attempts.push(begun);
      this.#open.set(key, begun);
    }
    if ((event.kind !== 'committed' && event.kind !== 'failed') || attempt === undefined) return;
    const isStopped = event.kind === 'failed' && event.failure.code === 'cancelled';
    const outcome = isStopped ? 'stopped' : event.kind;
    attempt.end = { outcome, atMs: performance.now() };
    this.#open.delete(key);
  }
}
