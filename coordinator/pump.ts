// Who is next: shares the room of the farm among the jobs that have something ready. Urgent jobs first; among equals the owner
// who has least of the farm for their weight; then the earlier job.

import type { Pool } from '../common/task.ts';
import type { JobRun } from './job-run.ts';
import type { OutTasks } from './out-tasks.ts';

/** Furthest down the pipeline first: what is begun is finished before more is begun. */
const POOLS: readonly Pool[] = ['vdm', 'mixer', 'idm', 'any'];

/** What one owner may have of the farm. */
export interface Share {
  /** Against other owners of jobs of the same priority, above 0. */
  readonly weight: number;
  /** Tasks out at once, at most. */
  readonly quota: number;
}

/** A job in line. */
export interface Claim {
  readonly run: JobRun;
  readonly priority: number;
}

export const EQUAL_SHARE: Share = { weight: 1, quota: Infinity };

/** Publishes all that there is room for. `claims` by priority, highest first, then by age. */
export function pump(
  claims: readonly Claim[],
  out: OutTasks,
  shareOf: (owner: string) => Share = () => EQUAL_SHARE,
): void {
  for (const pool of POOLS) {
    while (out.room(pool) > 0) {
      const claim = nextClaim(claims, { pool, out, shareOf });
      if (claim === undefined) break;
      claim.run.publishNext(pool);
    }
  }
}

interface Turn {
  readonly pool: Pool;
  readonly out: OutTasks;
  readonly shareOf: (owner: string) => Share;
}

function nextClaim(claims: readonly Claim[], turn: Turn): Claim | undefined {
  let best: Claim | undefined;
  let bestUse = Infinity;
  for (const claim of claims) {
    if (best !== undefined && claim.priority < best.priority) break;
    const { run } = claim;
    if (run.readyCount(turn.pool) === 0 || run.owner === best?.run.owner) continue;
    const { weight, quota } = turn.shareOf(run.owner);
    const count = turn.out.countOf(run.owner);
    if (count >= quota || count / weight >= bestUse) continue;
    best = claim;
    bestUse = count / weight;
    // Nobody can have less.
    if (bestUse === 0) break;
  }
  return best;
}
