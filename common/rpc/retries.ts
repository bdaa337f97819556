// How long a peer that cannot be reached is waited for: again and again with growing pauses, until patience ends. For calls that
// do no harm when they are made twice.

import { setTimeout as delay } from 'node:timers/promises';

import type { BivdiffError } from '../errors.ts';

const PAUSE_FIRST_MS = 100;
const PAUSE_MAX_MS = 2_000;

export interface RetriesOptions {
  /** From the first failure on, or from the first after some progress. */
  readonly patienceMs: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** Of one call. */
export class Retries {
  readonly #options: RetriesOptions;
  #pauseMs = PAUSE_FIRST_MS;
  #deadlineMs: number | undefined;

  constructor(options: RetriesOptions) {
    this.#options = options;
  }

  /** Resolves when it is time for another try. @throws the failure — no try can help, or patience has ended */
  async pause(failure: BivdiffError): Promise<void> {
    const { patienceMs, signal } = this.#options;
    this.#deadlineMs ??= performance.now() + patienceMs;
    const isOver = performance.now() + this.#pauseMs > this.#deadlineMs;
    if (failure.code !== 'unavailable' || isOver || signal?.aborted === true) throw failure;
    // Workers that lost the same coordinator shall not all come back at the same moment.
    const pauseMs = this.#pauseMs * (0.5 + Math.random() / 2);
    this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MAX_MS);
    await delay(pauseMs, undefined, { signal }).catch(() => {
      throw failure;
    });
  }

  /** Something came through: patience begins anew. */
  progress(): void {
    this.#pauseMs = PAUSE_FIRST_MS;
    this.#deadlineMs = undefined;
  }
}
