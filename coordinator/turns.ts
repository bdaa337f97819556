// One thing at a time for each key, in the order in which they came. What is of different keys does not wait for each other.

export class Turns<Key> {
  /** Keys of which something runs or waits: the end of the last. */
  readonly #last = new Map<Key, Promise<unknown>>();

  /** Does the work once all that came before for this key has ended. Work that takes a turn of its own key waits for ever. */
  take<T>(key: Key, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const turn = before.then(work);
    const end = turn.then(nothing, nothing);
    this.#last.set(key, end);
    void end.then(() => {
      if (this.#last.get(key) === end) this.#last.delete(key);
    });
    return turn;
  }
}

function nothing(): void {
  // What went wrong is told to whoever took the turn.
}
