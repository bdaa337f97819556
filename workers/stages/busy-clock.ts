// Adds up the time in which at least one of several overlapping pieces of work is under way: a task's share of codec time.

/** Seconds of the union of all intervals spent inside `during`. */
export class BusyClock {
  #seconds = 0;
  #active = 0;
  #sinceMs = 0;

  get seconds(): number {
    return this.#seconds;
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#active === 0) this.#sinceMs = performance.now();
    this.#active += 1;
    try {
      return await work();
    } finally {
      this.#active -= 1;
      if (this.#active === 0) this.#seconds += (performance.now() - this.#sinceMs) / 1000;
    }
  }
}
