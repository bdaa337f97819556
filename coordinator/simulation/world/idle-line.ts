// The idle slots of a pool, the one that has waited longest first: as pullers wait at a real bus. A linked list in typed
// arrays, so that a slot whose worker dies can leave from the middle.

const NONE = -1;

export class IdleLine {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #waitsSince: Float64Array;
  readonly #isIn: Uint8Array;
  #head = NONE;
  #tail = NONE;

  /** For slots 0..slots-1. */
  constructor(slots: number) {
    this.#next = new Int32Array(slots).fill(NONE);
    this.#previous = new Int32Array(slots).fill(NONE);
    this.#waitsSince = new Float64Array(slots);
    this.#isIn = new Uint8Array(slots);
  }

  /** -1 when there is none. */
  get first(): number {
    return this.#head;
  }

  /** The one after it; -1 when it is the last. */
  after(slot: number): number {
    return this.#next[slot]!;
  }

  /** When it came, as `append` was told. */
  waitsSince(slot: number): number {
    return this.#waitsSince[slot]!;
  }

  append(slot: number, turn: number): void {
    this.#waitsSince[slot] = turn;
    this.#isIn[slot] = 1;
    this.#next[slot] = NONE;
    this.#previous[slot] = this.#tail;
    if (this.#tail === NONE) this.#head = slot;
    else this.#next[this.#tail] = slot;
    this.#tail = slot;
  }

  /** Without effect when it is not in it. */
  remove(slot: number): void {
    if (this.#isIn[slot] === 0) return;
    this.#isIn[slot] = 0;
    const next = this.#next[slot]!;
    const previous = this.#previous[slot]!;
    if (previous === NONE) this.#head = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#tail = previous;
    else this.#previous[next] = previous;
  }
}
