// Which worker has which slots: numbers for both, pool by pool.

import type { WorkerStatus } from '../../common/worker-status.ts';
import { slotsOf, WORKER_POOLS } from './scenario.ts';
import type { Scenario } from './scenario.ts';
import { statusOf } from './world/virtual-worker.ts';

export interface FarmLayout {
  /** Of each worker. */
  readonly statuses: WorkerStatus[];
  /** First slot of each worker; one entry more, for where the last one's slots end. */
  readonly firstSlot: Uint32Array;
  /** Of each slot: place of its pool in `WORKER_POOLS`. */
  readonly poolOf: Uint8Array;
  readonly workerOf: Uint32Array;
}

export function layOut(scenario: Pick<Scenario, 'pools'>): FarmLayout {
  const slotCount = slotsOf(scenario, 'any');
  const poolOf = new Uint8Array(slotCount);
  const workerOf = new Uint32Array(slotCount);
  const statuses: WorkerStatus[] = [];
  const firsts: number[] = [];
  let slot = 0;
  WORKER_POOLS.forEach((pool, poolNumber) => {
    const { workers, slots } = scenario.pools[pool];
    for (let count = 1; count <= workers; count += 1) {
      poolOf.fill(poolNumber, slot, slot + slots);
      workerOf.fill(statuses.length, slot, slot + slots);
      statuses.push(statusOf(`${pool}-${count}`, pool, slots));
      firsts.push(slot);
      slot += slots;
    }
  });
  return { statuses, firstSlot: Uint32Array.from([...firsts, slot]), poolOf, workerOf };
}
