// A worker's rest: for a while it takes nothing, and can be removed without anything being lost. It ends by itself: whoever asked for it may
// be gone.

export class Rest {
  #begun = new AbortController();
  #over: Promise<void> | undefined;

  get isResting(): boolean {
    return this.#over !== undefined;
  }

  /** Aborts when the next rest begins. */
  get signal(): AbortSignal {
    return this.#begun.signal;
  }

  /** From now on, for so long; one that has begun goes on as it is. `onOver` is told when it is over. */
  begin(ms: number, onOver: () => void): void {
    if (this.#over !== undefined) return;
    this.#over = new Promise((resolve) => {
      setTimeout(() => {
        this.#over = undefined;
        this.#begun = new AbortController();
        onOver();
        resolve();
      }, ms).unref();
    });
    this.#begun.abort();
  }

  /** Resolves when it may take something, or the signal aborts. */
  async over(signal: AbortSignal): Promise<void> {
    if (this.#over === undefined || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        signal.removeEventListener('abort', end);
        resolve();
      };
      signal.addEventListener('abort', end, { once: true });
      void this.#over?.then(end);
    });
  }
}
