// Slots that wait for a task, and which of them gets one: of all kinds of workers that may, the slot that has waited longest.

import { queuesOfWorker } from '../../../common/placement.ts';
import { simulatedNumerics } from '../tenancy.ts';
import { IdleLine } from './idle-line.ts';
import type { WorkerKind } from './virtual-worker.ts';

export class IdleSlots {
  readonly #lines: readonly IdleLine[];
  /** By slot. */
  readonly #kindOf: Uint8Array;
  /** Queues, by number, that a kind of worker pulls from, in their order. */
  readonly #queues: readonly (readonly number[])[];
  /** By queue: the kinds that may take from it. */
  readonly #takers = new Map<number, number[]>();
  #turn = 0;

  constructor(
    kinds: readonly WorkerKind[],
    kindOf: Uint8Array,
    numberOf: (queue: string) => number,
  ) {
    this.#kindOf = kindOf;
    this.#lines = kinds.map(() => new IdleLine(kindOf.length));
    this.#queues = kinds.map(({ pool, className }, kind) =>
      queuesOfWorker([pool], simulatedNumerics(className)).map((queue) => {
        const number = numberOf(queue);
        this.#takers.set(number, [...(this.#takers.get(number) ?? []), kind]);
        return number;
      }),
    );
  }

  queuesOf(slot: number): readonly number[] {
    return this.#queues[this.#kindOf[slot]!]!;
  }

  /** It waits from now on, behind all others. */
  add(slot: number): void {
    this.#turn += 1;
    this.#lineOf(slot).append(slot, this.#turn);
  }

  remove(slot: number): void {
    this.#lineOf(slot).remove(slot);
  }

  /** Takes out the one that has waited longest for this queue and is not kept from it; -1: there is none. */
  take(queue: number, isKept: (slot: number) => boolean): number {
    let chosen = -1;
    let since = Infinity;
    for (const kind of this.#takers.get(queue) ?? []) {
      const line = this.#lines[kind]!;
      let slot = line.first;
      while (slot >= 0 && isKept(slot)) slot = line.after(slot);
      if (slot < 0 || line.waitsSince(slot) >= since) continue;
      chosen = slot;
      since = line.waitsSince(slot);
    }
    if (chosen >= 0) this.remove(chosen);
    return chosen;
  }

  #lineOf(slot: number): IdleLine {
    return this.#lines[this.#kindOf[slot]!]!;
  }
}
