// Time that passes only when a test says so.

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

export class VirtualClock {
  readonly #timers = new Set<Timer>();
  #nowMs = 0;

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets time pass, each callback at its time, and what waits for it go on in between. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.atMs <= endMs);
      const next = due.sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.#timers.delete(next);
      next.callback();
      await settled();
    }
    this.#nowMs = endMs;
    await settled();
  }

  /** Timers not yet called: none may be left over when a bus is closed. */
  get pending(): number {
    return this.#timers.size;
  }
}

/** Lets everything go on that waits for nothing but other promises. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
