// Which worker has which slots: numbers for both, pool by pool.

import type { WorkerStatus } from '../../common/worker-status.ts';
import { slotsOf, WORKER_POOLS } from './scenario.ts';
import type { Scenario } from './scenario.ts';
import { classesOfWorkers } from './tenancy.ts';
import { statusOf } from './world/virtual-worker.ts';
import type { WorkerKind } from './world/virtual-worker.ts';

export interface FarmLayout {
  /** Of each worker. */
  readonly statuses: WorkerStatus[];
  /** First slot of each worker; one entry more, for where the last one's slots end. */
  readonly firstSlot: Uint32Array;
  /** Of each slot: place of its pool in `WORKER_POOLS`. */
  readonly poolOf: Uint8Array;
  /** Of each slot: number of its kind. */
  readonly kindOf: Uint8Array;
  readonly kinds: readonly WorkerKind[];
  readonly workerOf: Uint32Array;
}

export function layOut(scenario: Pick<Scenario, 'pools' | 'classes'>): FarmLayout {
  const slotCount = slotsOf(scenario, 'any');
  const poolOf = new Uint8Array(slotCount);
  const workerOf = new Uint32Array(slotCount);
  const kindOf = new Uint8Array(slotCount);
  const kinds = WORKER_POOLS.flatMap((pool) =>
    scenario.classes.map(({ name }): WorkerKind => ({ pool, className: name })),
  );
  const statuses: WorkerStatus[] = [];
  const firsts: number[] = [];
  let slot = 0;
  WORKER_POOLS.forEach((pool, poolNumber) => {
    const { workers, slots } = scenario.pools[pool];
    classesOfWorkers(workers, scenario.classes).forEach((className, index) => {
      const kind = kinds.findIndex((one) => one.pool === pool && one.className === className);
      kindOf.fill(kind, slot, slot + slots);
      poolOf.fill(poolNumber, slot, slot + slots);
      workerOf.fill(statuses.length, slot, slot + slots);
      statuses.push(statusOf(`${pool}-${index + 1}`, kinds[kind]!, slots));
      firsts.push(slot);
      slot += slots;
    });
  });
  return {
    statuses,
    firstSlot: Uint32Array.from([...firsts, slot]),
    poolOf,
    kindOf,
    kinds,
    workerOf,
  };
}
