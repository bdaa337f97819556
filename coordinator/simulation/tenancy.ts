// Whose the jobs of a simulation are, how urgent, and of which numerics class; and of which class the workers are.

import type { NumericsClasses } from '../../common/stage-facts.ts';
import { EQUAL_SHARE } from '../domain/job-rank.ts';
import type { Share } from '../domain/job-rank.ts';

export interface Tenancy {
  /** Jobs are dealt out to them by their weights, which are their shares of the farm too. */
  readonly owners: readonly { readonly name: string; readonly weight: number }[];
  /** Jobs are dealt out to them in turn. */
  readonly priorities: readonly number[];
  /** Jobs are dealt out to them in turn; workers by the shares. Where the share is 0 nobody serves. */
  readonly classes: readonly { readonly name: string; readonly share: number }[];
}

/** One owner, one priority, one class. */
export const NO_TENANTS: Tenancy = {
  owners: [{ name: '', weight: 1 }],
  priorities: [0],
  classes: [{ name: 'simulated', share: 1 }],
};

/** What a job differs in. */
export interface Tenant {
  readonly owner: string;
  readonly priority: number;
  readonly className: string;
}

/** Of job number `index`: every owner has jobs of every priority and class, where there are enough. */
export function tenantOf(tenancy: Partial<Tenancy>, index: number): Tenant {
  const { owners, priorities, classes } = { ...NO_TENANTS, ...tenancy };
  const round = Math.floor(index / (priorities.length * classes.length));
  return {
    owner: dealt(owners, ({ weight }) => weight, round + 1).at(-1)!.name,
    priority: priorities[index % priorities.length]!,
    className: classes[Math.floor(index / priorities.length) % classes.length]!.name,
  };
}

/** The class of each worker of a pool. */
export function classesOfWorkers(workers: number, classes: Tenancy['classes']): readonly string[] {
  const served = classes.filter(({ share }) => share > 0);
  return dealt(served, ({ share }) => share, workers).map(({ name }) => name);
}

export function shareOf({ owners }: Pick<Tenancy, 'owners'>, owner: string): Share {
  const weight = owners.find(({ name }) => name === owner)?.weight ?? EQUAL_SHARE.weight;
  return { ...EQUAL_SHARE, weight };
}

export function simulatedNumerics(className: string): NumericsClasses {
  return { inference: className, media: className, plain: className };
}

/** Deals `count` things out by weight: each in turn to whoever is furthest behind their part. */
function dealt<T>(
  takers: readonly T[],
  weightOf: (taker: T) => number,
  count: number,
): readonly T[] {
  const had = takers.map(() => 0);
  return Array.from({ length: count }, () => {
    const next = takers
      .map((taker, index) => ({ index, after: (had[index]! + 1) / weightOf(taker) }))
      .reduce((a, b) => (b.after < a.after ? b : a)).index;
    had[next] = had[next]! + 1;
    return takers[next]!;
  });
}
