// A farm reduced to what the publishing order asks: slots by pool and class, what is out, and jobs that are so many tasks. Published
// tasks stay out until they are settled by hand.

import type { JobId, Pool } from '../../common/task.ts';
import { EQUAL_SHARE } from '../../coordinator/domain/job-rank.ts';
import type { Share, Standing } from '../../coordinator/domain/job-rank.ts';
import type { Paces } from '../../coordinator/domain/task-paces.ts';
import { PublishOrder } from '../../coordinator/domain/publish-order.ts';
import type { Out } from '../../coordinator/domain/publish-order.ts';

export const POOLS: readonly Pool[] = ['vdm', 'mixer', 'idm', 'any'];

export interface WorkerGroup {
  readonly numericsKey: string;
  readonly pools: readonly Pool[];
  readonly slots: number;
}

export interface FarmJob {
  readonly id: string;
  readonly owner?: string;
  readonly priority?: number;
  readonly atMs?: number;
  readonly numericsKey?: string;
  /** Tasks that are ready, by pool. */
  readonly ready?: Partial<Record<Pool, number>>;
  /** Tasks of the opening that are not out yet. @default those ready for idm */
  readonly openingLeft?: number;
}

export interface OutTask {
  readonly job: Standing;
  readonly pool: Pool;
}

export class PublishingFarm implements Out {
  readonly order: PublishOrder;
  readonly out: OutTask[] = [];
  readonly shares: Readonly<Record<string, Share>>;
  readonly #workers: readonly WorkerGroup[];
  readonly #jobs = new Map<string, { standing: Standing; ready: Map<Pool, number> }>();

  constructor(
    workers: readonly WorkerGroup[],
    shares: Readonly<Record<string, Share>> = {},
    paces?: Paces,
  ) {
    this.#workers = workers;
    this.shares = shares;
    this.order = new PublishOrder({
      out: this,
      paces,
      slotsOf: (...asked) => this.slotsOf(...asked),
      shareOf: (owner) => shares[owner] ?? EQUAL_SHARE,
    });
  }

  slotsOf(pool: Pool, numericsKey: string): number {
    return this.#workers
      .filter((group) => group.numericsKey === numericsKey)
      .filter(({ pools }) => pool === 'any' || pools.includes(pool))
      .reduce((sum, { slots }) => sum + slots, 0);
  }

  countOf(pool: Pool, numericsKey: string): number {
    return this.out.filter((task) => task.pool === pool && isOf(task, numericsKey)).length;
  }

  totalOf(numericsKey: string): number {
    return this.out.filter((task) => isOf(task, numericsKey)).length;
  }

  countOfOwner(owner: string, numericsKey: string): number {
    return this.out.filter((task) => task.job.owner === owner && isOf(task, numericsKey)).length;
  }

  queue(...jobs: readonly FarmJob[]): this {
    for (const job of jobs) this.order.place(standingOf(job));
    return this;
  }

  /** Makes jobs active, whether or not the order would. */
  add(...jobs: readonly FarmJob[]): this {
    for (const job of jobs) {
      const standing = standingOf(job);
      const ready = new Map(POOLS.map((pool) => [pool, job.ready?.[pool] ?? 0]));
      this.order.place(standing);
      this.#jobs.set(job.id, { standing, ready });
      this.order.begin(standing.jobId, {
        get openingLeft() {
          return job.openingLeft ?? ready.get('idm')!;
        },
        readyCount: (pool) => ready.get(pool)!,
      });
      for (const pool of POOLS) if (ready.get(pool)! > 0) this.order.hasReady(standing.jobId, pool);
    }
    return this;
  }

  readyCount(id: string, pool: Pool): number {
    return this.#jobs.get(id)!.ready.get(pool)!;
  }

  /** Publishes what is next. */
  publishOne(): OutTask | undefined {
    const next = this.order.next();
    if (next === undefined) return undefined;
    const { standing, ready } = this.#jobs.get(next.jobId)!;
    ready.set(next.pool, ready.get(next.pool)! - 1);
    const task = { job: standing, pool: next.pool };
    this.out.push(task);
    return task;
  }

  /** Publishes all that there is room for, as "job pool". */
  publish(): string[] {
    const published: string[] = [];
    for (let task = this.publishOne(); task !== undefined; task = this.publishOne()) {
      published.push(`${task.job.jobId} ${task.pool}`);
    }
    return published;
  }

  /** Ends a task that is out. */
  settle(index: number): void {
    this.out.splice(index, 1);
  }
}

export function standingOf(job: FarmJob): Standing {
  const { id, owner = '', priority = 0, atMs = 0, numericsKey = 'c' } = job;
  return { jobId: id as JobId, owner, priority, submittedAtMs: atMs, numericsKey };
}

function isOf({ job }: OutTask, numericsKey: string): boolean {
  return job.numericsKey === numericsKey;
}
