// What came and fits no schema: counted by kind, and told of once in a while. Whoever sends it may send thousands a second.

import { BivdiffError } from '../../errors.ts';

/** How often one kind is told of. */
const TELL_MS = 60_000;

export interface MalformedMessages {
  /** Of message, such as "event". */
  readonly kind: string;
  /** Since the last time they were told of, this one included. */
  readonly count: number;
  /** What is wrong with the last. */
  readonly why: string;
}

interface Tally {
  count: number;
  toldMs: number;
}

export class MalformedCounts {
  readonly #tell: (messages: MalformedMessages) => void;
  readonly #tallies = new Map<string, Tally>();
  readonly #totals = new Map<string, number>();

  constructor(tell: (messages: MalformedMessages) => void) {
    this.#tell = tell;
  }

  /** All that were ever dropped, by kind. */
  get totals(): ReadonlyMap<string, number> {
    return this.#totals;
  }

  /** One more was dropped. */
  note(kind: string, reason: unknown): void {
    this.#totals.set(kind, (this.#totals.get(kind) ?? 0) + 1);
    const tally = this.#tallies.get(kind) ?? { count: 0, toldMs: -Infinity };
    this.#tallies.set(kind, tally);
    tally.count += 1;
    const nowMs = performance.now();
    if (nowMs - tally.toldMs < TELL_MS) return;
    const { count } = tally;
    Object.assign(tally, { count: 0, toldMs: nowMs });
    this.#tell({ kind, count, why: BivdiffError.from(reason).message.slice(0, 500) });
  }

  /** What `read` makes of a message; undefined, and one more, if it fits no schema. */
  read<T>(kind: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (reason) {
      this.note(kind, reason);
      return undefined;
    }
  }
}
