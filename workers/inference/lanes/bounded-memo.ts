// A map of results that are cheap to make again: the least recently used is dropped when it is full.

/** At most `entriesMax` results. Two calls for one key while it is being made share the making; a failure is not kept. */
export class BoundedMemo<T> {
  readonly #entriesMax: number;
  /** Least recently used first. */
  readonly #entries = new Map<string, Promise<T>>();

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  async get(key: string, make: () => Promise<T>): Promise<T> {
    const made = this.#entries.get(key) ?? make();
    this.#entries.delete(key);
    this.#entries.set(key, made);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#entriesMax && oldest !== undefined) this.#entries.delete(oldest);
    try {
      return await made;
    } catch (reason) {
      if (this.#entries.get(key) === made) this.#entries.delete(key);
      throw reason;
    }
  }
}
