// What will happen, soonest first; at the same time, in the order in which it was put in. A binary heap in typed arrays: millions of
// entries go through it, and none is an object.

export class EventHeap {
  #length = 0;
  #order = 0;
  #times = new Float64Array(1024);
  #orders = new Float64Array(1024);
  #first = new Int32Array(1024);
  #second = new Int32Array(1024);

  get length(): number {
    return this.#length;
  }

  /** Time of the soonest; infinite when there is none. */
  get soonest(): number {
    return this.#length === 0 ? Infinity : this.#times[0]!;
  }

  /** The two numbers of the soonest. */
  get top(): { readonly first: number; readonly second: number } {
    return { first: this.#first[0]!, second: this.#second[0]! };
  }

  push(time: number, first: number, second: number): void {
    if (this.#length === this.#times.length) this.#grow();
    const order = this.#order;
    this.#order += 1;
    let hole = this.#length;
    this.#length += 1;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      // Of the same time, the parent was there first.
      if (this.#times[parent]! <= time) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#times[hole] = time;
    this.#orders[hole] = order;
    this.#first[hole] = first;
    this.#second[hole] = second;
  }

  /** Takes the soonest away. */
  pop(): void {
    if (this.#length === 0) return;
    this.#length -= 1;
    const last = this.#length;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#isBefore(child + 1, child)) child += 1;
      if (!this.#isBefore(child, last)) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#move(last, hole);
  }

  #isBefore(a: number, b: number): boolean {
    const difference = this.#times[a]! - this.#times[b]!;
    return difference < 0 || (difference === 0 && this.#orders[a]! < this.#orders[b]!);
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]!;
    this.#orders[to] = this.#orders[from]!;
    this.#first[to] = this.#first[from]!;
    this.#second[to] = this.#second[from]!;
  }

  #grow(): void {
    const length = this.#times.length * 2;
    this.#times = grown(new Float64Array(length), this.#times);
    this.#orders = grown(new Float64Array(length), this.#orders);
    this.#first = grown(new Int32Array(length), this.#first);
    this.#second = grown(new Int32Array(length), this.#second);
  }
}

function grown<T extends Float64Array | Int32Array>(longer: T, old: T): T {
  longer.set(old);
  return longer;
}
