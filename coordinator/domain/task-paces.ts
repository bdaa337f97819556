// How long tasks take lately, by numerics classes and pool: short ones are published well ahead of the slots, long ones hardly.

import type { Pool } from '../../common/task.ts';

/** Weight of the newest. */
const NEWEST = 0.2;

/** Mean seconds of what was committed lately; undefined where nothing was. */
export interface Paces {
  secondsOf(pool: Pool, numericsKey: string): number | undefined;
  /** Over all pools. */
  secondsOfAll(numericsKey: string): number | undefined;
}

export class TaskPaces implements Paces {
  /** By classes, then by pool. */
  readonly #means = new Map<string, Map<Pool | 'all', number>>();

  /** A task was committed that took so long. */
  note(pool: Pool, numericsKey: string, seconds: number): void {
    const means = this.#means.get(numericsKey) ?? new Map<Pool | 'all', number>();
    this.#means.set(numericsKey, means);
    for (const name of [pool, 'all'] as const) {
      const before = means.get(name) ?? seconds;
      means.set(name, (1 - NEWEST) * before + NEWEST * seconds);
    }
  }

  secondsOf(pool: Pool, numericsKey: string): number | undefined {
    return this.#means.get(numericsKey)?.get(pool);
  }

  secondsOfAll(numericsKey: string): number | undefined {
    return this.#means.get(numericsKey)?.get('all');
  }
}
