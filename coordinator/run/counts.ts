// How many there are, by two names, say class and pool.

/** Counts by two names, with the sum over the second. What is 0 is forgotten. */
export class Counts {
  readonly #counts = new Map<string, { total: number; readonly of: Map<string, number> }>();

  of(first: string, second: string): number {
    return this.#counts.get(first)?.of.get(second) ?? 0;
  }

  total(first: string): number {
    return this.#counts.get(first)?.total ?? 0;
  }

  add(first: string, second: string, by: 1 | -1): void {
    const counts = this.#counts.get(first) ?? { total: 0, of: new Map() };
    this.#counts.set(first, counts);
    counts.total += by;
    const count = this.of(first, second) + by;
    if (count === 0) counts.of.delete(second);
    else counts.of.set(second, count);
    if (counts.total === 0) this.#counts.delete(first);
  }
}
