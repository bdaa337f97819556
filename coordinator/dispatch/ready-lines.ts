// Who is next: shares the room of the farm among the jobs that have something ready. Urgent jobs first; among equals the owner
// who has least of the farm for their weight; then the earlier job.

import type { Pool } from '../../common/task.ts';
import type { JobRun } from '../run/job-run.ts';
import type { PublishedTasks } from '../run/published-tasks.ts';

/** Furthest down the pipeline first: what is begun is finished before more is begun. */
const POOLS: readonly Pool[] = ['vdm', 'mixer', 'idm', 'any'];

/** What one owner may have of the farm. */
export interface Share {
  /** Against other owners of jobs of the same priority, above 0. */
  readonly weight: number;
  /** Tasks out at once, at most. */
  readonly quota: number;
}

/** A job that may be in line. */
export interface Claim {
  readonly run: JobRun;
  /** Now: it may change. */
  readonly priority: number;
  readonly submittedAtMs: number;
}

export const EQUAL_SHARE: Share = { weight: 1, quota: Infinity };

export class ReadyLines {
  readonly #out: PublishedTasks;
  readonly #shareOf: (owner: string) => Share;
  /** Those who had something ready when it was looked last: of a thousand jobs a handful has. */
  readonly #lines = new Map<Pool, Set<Claim>>(POOLS.map((pool) => [pool, new Set()]));

  constructor(out: PublishedTasks, shareOf: (owner: string) => Share = () => EQUAL_SHARE) {
    this.#out = out;
    this.#shareOf = shareOf;
  }

  /** The job has something ready for a pool. */
  add(pool: Pool, claim: Claim): void {
    this.#lines.get(pool)!.add(claim);
  }

  /** Publishes all that there is room for. */
  publish(): void {
    for (const pool of POOLS) {
      while (this.#out.room(pool) > 0) {
        const claim = this.#next(pool);
        if (claim === undefined) break;
        claim.run.publishNext(pool);
      }
    }
  }

  #next(pool: Pool): Claim | undefined {
    const line = this.#lines.get(pool)!;
    let best: Claim | undefined;
    let bestUse = Infinity;
    for (const claim of line) {
      const { run } = claim;
      if (run.readyCount(pool) === 0) {
        line.delete(claim);
        continue;
      }
      const { weight, quota } = this.#shareOf(run.owner);
      const count = this.#out.countOf(run.owner);
      if (count >= quota) continue;
      const use = count / weight;
      if (best !== undefined && !goesBefore(claim, use, { best, bestUse })) continue;
      best = claim;
      bestUse = use;
    }
    return best;
  }
}

function goesBefore(
  { priority, submittedAtMs }: Claim,
  use: number,
  { best, bestUse }: { readonly best: Claim; readonly bestUse: number },
): boolean {
  if (priority !== best.priority) return priority > best.priority;
  if (use !== bestUse) return use < bestUse;
  return submittedAtMs < best.submittedAtMs;
}
