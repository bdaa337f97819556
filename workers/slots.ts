// The slots of a worker: how many tasks run at once, who is next, and when to have the next one at hand. A task is taken, gathers what
// it reads, enters a slot, leaves it, stores what it made; only what happens inside a slot keeps the device busy.

import type { Stage } from '../common/task.ts';

/** The next task is taken so much before a slot is expected to become free: two round trips to the bus, with room. */
const LEAD_MS = 8;
/** Weight of the newest measurement. */
const NEWEST = 0.3;

/** A task's way through the worker. */
export interface Turn {
  /** Waits for a free slot, first come first served; gives its number. @throws the signal's reason when it aborts */
  enter(stage: Stage, signal: AbortSignal): Promise<number>;
  /** Makes room for the next, inside a slot or not; to be called at the end in any case. */
  leave(): void;
}

export class Slots {
  readonly #count: number;
  /** Whether tasks are taken ahead. */
  readonly #takesAhead: boolean;
  /** Free for longest first. */
  readonly #free: FreeSlot[];
  readonly #line: ((slot: number) => void)[] = [];
  readonly #hands: (() => void)[] = [];
  /** Tasks taken, or being asked for, that have not left their slot. */
  #taken = 0;
  /** Running tasks that are expected to end any moment. */
  #ending = 0;
  readonly #tookMs = new Map<Stage, number>();
  #gatherMs = 0;

  constructor(count: number, options: { readonly takesAhead: boolean }) {
    this.#count = count;
    this.#takesAhead = options.takesAhead;
    const sinceMs = performance.now();
    this.#free = Array.from({ length: count }, (_, slot) => ({ slot, sinceMs }));
  }

  /** How long a slot has been free; 0 if none is. */
  get idleMs(): number {
    const [longest] = this.#free;
    return longest === undefined ? 0 : performance.now() - longest.sinceMs;
  }

  /** Resolves when one more task may be taken; undefined once the signal aborts. */
  async take(signal: AbortSignal): Promise<Turn | undefined> {
    while (!signal.aborted) {
      if (this.#taken < this.#count + this.#ending) {
        this.#taken += 1;
        return this.#createTurn();
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake);
          const index = this.#hands.indexOf(wake);
          if (index >= 0) this.#hands.splice(index, 1);
          resolve();
        };
        this.#hands.push(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    }
    return undefined;
  }

  #createTurn(): Turn {
    const takenMs = performance.now();
    let inside: Inside | undefined;
    let hasLeft = false;
    return {
      enter: async (stage, signal) => {
        const gatherMs = performance.now() - takenMs;
        const slot = await this.#enter(signal);
        this.#gatherMs = blend(this.#gatherMs, gatherMs);
        inside = this.#watch(stage, slot);
        return slot;
      },
      leave: () => {
        if (hasLeft) return;
        hasLeft = true;
        this.#taken -= 1;
        if (inside !== undefined) this.#endWatch(inside);
        this.#hands[0]?.();
      },
    };
  }

  #enter(signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    const free = this.#free.shift();
    if (free !== undefined) return Promise.resolve(free.slot);
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#line.splice(this.#line.indexOf(enter), 1);
        reject(signal.reason as Error);
      };
      const enter = (free: number): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(free);
      };
      this.#line.push(enter);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #watch(stage: Stage, slot: number): Inside {
    const inside: Inside = { stage, slot, beganMs: performance.now(), isEnding: false };
    const expectedMs = this.#tookMs.get(stage);
    if (expectedMs === undefined || !this.#takesAhead) return inside;
    const note = (): void => {
      inside.isEnding = true;
      this.#ending += 1;
      this.#hands[0]?.();
    };
    const leadMs = expectedMs - LEAD_MS - 2 * this.#gatherMs;
    if (leadMs <= 1) note();
    else inside.timer = setTimeout(note, leadMs);
    return inside;
  }

  #endWatch({ stage, slot, beganMs, isEnding, timer }: Inside): void {
    clearTimeout(timer);
    if (isEnding) this.#ending -= 1;
    const tookMs = performance.now() - beganMs;
    this.#tookMs.set(stage, blend(this.#tookMs.get(stage) ?? tookMs, tookMs));
    const next = this.#line.shift();
    if (next === undefined) this.#free.push({ slot, sinceMs: performance.now() });
    else next(slot);
  }
}

interface FreeSlot {
  readonly slot: number;
  readonly sinceMs: number;
}

interface Inside {
  readonly stage: Stage;
  readonly slot: number;
  readonly beganMs: number;
  isEnding: boolean;
  timer?: NodeJS.Timeout;
}

function blend(before: number, now: number): number {
  return (1 - NEWEST) * before + NEWEST * now;
}
