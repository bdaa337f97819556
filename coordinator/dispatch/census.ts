// Who is there to work, counted by pool. Pure.

import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import type { Pool } from '../../common/task.ts';
import type { WorkerStatus } from '../../common/worker-status.ts';

export const POOLS: readonly Pool[] = ['idm', 'mixer', 'vdm', 'any'];

/**
 * - `idle`: has nothing to do
 * - `busy`: has a task
 * - `draining`: begins nothing more
 * - `other-version`: speaks another protocol, and gets no tasks
 */
export const WORKER_STATES = ['idle', 'busy', 'draining', 'other-version'] as const;
export type WorkerState = (typeof WORKER_STATES)[number];

export interface PoolCensus {
  readonly workers: Record<WorkerState, number>;
  /** Of idle and busy workers. */
  slots: number;
  /** Of these, those with a task. */
  slotsBusy: number;
}

/** By pool; one that serves several counts in each, and in `any`. */
export function censusOf(statuses: Iterable<WorkerStatus>): ReadonlyMap<Pool, PoolCensus> {
  const census = new Map(
    POOLS.map((pool): [Pool, PoolCensus] => {
      const workers = { idle: 0, busy: 0, draining: 0, 'other-version': 0 };
      return [pool, { workers, slots: 0, slotsBusy: 0 }];
    }),
  );
  for (const status of statuses) {
    const state = stateOf(status);
    const isAtWork = state === 'idle' || state === 'busy';
    for (const pool of new Set<Pool>([...status.pools, 'any'])) {
      const ofPool = census.get(pool);
      if (ofPool === undefined) continue;
      ofPool.workers[state] += 1;
      if (!isAtWork) continue;
      ofPool.slots += status.slots;
      // It may have taken more, ahead.
      ofPool.slotsBusy += Math.min(status.slots, status.running.length);
    }
  }
  return census;
}

function stateOf({ protocol, draining, running }: WorkerStatus): WorkerState {
  if (protocol !== PROTOCOL_VERSION) return 'other-version';
  if (draining) return 'draining';
  return running.length > 0 ? 'busy' : 'idle';
}
