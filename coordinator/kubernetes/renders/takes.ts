// Renders that are being taken, a few at once, beside the looks at all of them: reading a source may take minutes, or for ever. Knows nothing of
// what taking one is.

import { BivdiffError } from '../../../common/errors.ts';
import type { Render } from './resource.ts';
import type { Taking } from './take-render.ts';

interface Running {
  readonly ending: AbortController;
  readonly done: Promise<void>;
  latest: Render;
}

export interface TakesOptions {
  readonly atOnce: number;
  readonly take: (render: Render, taking: Taking) => Promise<void>;
  /** Lets go of all, and none is begun any more. */
  readonly signal: AbortSignal;
}

export class Takes {
  readonly #options: TakesOptions;
  /** By uid. One that was let go of stays until its work has ended: it still reads, and another would read beside it. */
  readonly #running = new Map<string, Running>();
  #waiting: Render[] = [];
  #failures: BivdiffError[] = [];

  constructor(options: TakesOptions) {
    this.#options = options;
  }

  /** All Renders as they are listed now: those that are gone or leave are let go of. */
  see(renders: readonly Render[]): void {
    const staying = new Map(renders.filter((one) => !one.isLeaving).map((one) => [one.uid, one]));
    for (const [uid, running] of this.#running) {
      const listed = staying.get(uid);
      if (listed === undefined) running.ending.abort();
      else running.latest = listed;
    }
    this.#waiting = this.#waiting.filter(({ uid }) => staying.has(uid));
  }

  /** Those that are to be taken now, and no others; first come, first taken. One that is being taken goes on. */
  offer(renders: readonly Render[]): void {
    this.#waiting = renders.filter(({ uid }) => !this.#running.has(uid));
    this.#begin();
  }

  /** What has failed since it was asked last. */
  drainFailures(): readonly BivdiffError[] {
    const failures = this.#failures;
    this.#failures = [];
    return failures;
  }

  /** Resolves when none is under way, once the signal has aborted. */
  async ended(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  #begin(): void {
    const { atOnce, signal } = this.#options;
    while (!signal.aborted && this.#running.size < atOnce) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const ending = new AbortController();
      const taking: Taking = {
        latest: () => this.#running.get(next.uid)?.latest ?? next,
        signal: AbortSignal.any([signal, ending.signal]),
      };
      const done = this.#run(next, taking);
      this.#running.set(next.uid, { ending, done, latest: next });
    }
  }

  async #run(render: Render, taking: Taking): Promise<void> {
    try {
      await this.#options.take(render, taking);
    } catch (reason) {
      if (!taking.signal.aborted) this.#failures.push(BivdiffError.from(reason));
    }
    this.#running.delete(render.uid);
    this.#begin();
  }
}
