// Who may publish what next, and which queued job becomes active: one order for all jobs of a farm. It is told of jobs, of what is out
// and of the slots there are, and says what to do; it knows neither bus nor store, and does nothing itself.

import type { JobId, Pool } from '../../common/task.ts';
import { EQUAL_SHARE, goesBefore } from './job-rank.ts';
import type { Ranked, Share, Standing } from './job-rank.ts';
import type { Paces } from './task-paces.ts';

/**
 * So many seconds of work are published beyond what the slots take at once, so that a slot that becomes free need not wait for us. Not more:
 * who comes next waits behind them. And never more than the slots take again.
 */
const AHEAD_SECONDS = 1;
/** Openings that active jobs shall have at hand for each slot: beginning another job takes time. */
const OPENINGS_PER_SLOT = 2;
/** Where no worker serves: so that the first that comes finds work. */
const OUT_MIN = 2;
/** Plans that may be in memory at once, whatever the farm could take. */
const ACTIVE_JOBS_MAX = 2_048;
/** Furthest down the pipeline first: what is begun is finished before more is begun. */
const POOLS: readonly Pool[] = ['vdm', 'mixer', 'idm', 'any'];

/** What is published and has not settled, now. */
export interface Out {
  countOf(pool: Pool, numericsKey: string): number;
  /** Over all pools. */
  totalOf(numericsKey: string): number;
  countOfOwner(owner: string, numericsKey: string): number;
}

export interface PublishOrderOptions {
  readonly out: Out;
  /** Slots of the workers of a class that serve a pool, now; `any`: of all workers of the class. */
  readonly slotsOf: (pool: Pool, numericsKey: string) => number;
  /** @default tasks are short */
  readonly paces?: Paces | undefined;
  /** @default equal shares */
  readonly shareOf?: ((owner: string) => Share) | undefined;
}

/** What an active job has to do, now. */
export interface Work {
  /** Tasks of its opening that are not published yet, whether or not they could be. */
  readonly openingLeft: number;
  /** Tasks of a pool that could be published. */
  readyCount(pool: Pool): number;
}

interface ActiveJob {
  standing: Standing;
  readonly work: Work;
}

/** Jobs of one class: no others compete for the workers of that class. */
interface ClassJobs {
  /** By owner, each line in order. */
  readonly queued: Map<string, Standing[]>;
  /** By owner. */
  readonly active: Map<string, Set<ActiveJob>>;
  /** Those who had something ready when it was looked last: of a thousand jobs a handful has. */
  readonly ready: ReadonlyMap<Pool, Set<ActiveJob>>;
}

export class PublishOrder {
  readonly #options: PublishOrderOptions;
  readonly #classes = new Map<string, ClassJobs>();
  readonly #queued = new Map<JobId, Standing>();
  readonly #active = new Map<JobId, ActiveJob>();

  constructor(options: PublishOrderOptions) {
    this.#options = options;
  }

  /** A job is queued, or has another priority. */
  place(standing: Standing): void {
    const { jobId, owner } = standing;
    const active = this.#active.get(jobId);
    if (active !== undefined) {
      active.standing = standing;
      return;
    }
    this.#unqueue(jobId);
    this.#queued.set(jobId, standing);
    const { queued } = this.#jobsOf(standing);
    const line = queued.get(owner) ?? [];
    queued.set(owner, line);
    line.splice(indexIn(line, standing), 0, standing);
  }

  /** A queued job has become active. */
  begin(jobId: JobId, work: Work): void {
    const standing = this.#queued.get(jobId)!;
    const job = { standing, work };
    const { active } = this.#jobsOf(standing);
    const ofOwner = active.get(standing.owner) ?? new Set();
    active.set(standing.owner, ofOwner.add(job));
    this.#active.set(jobId, job);
    this.#unqueue(jobId);
  }

  /** A job is neither queued nor active any more. */
  leave(jobId: JobId): void {
    this.#unqueue(jobId);
    const job = this.#active.get(jobId);
    if (job === undefined) return;
    this.#active.delete(jobId);
    const { owner } = job.standing;
    const { active, ready } = this.#jobsOf(job.standing);
    for (const line of ready.values()) line.delete(job);
    active.get(owner)!.delete(job);
    if (active.get(owner)!.size === 0) active.delete(owner);
    this.#tidy(job.standing);
  }

  /** An active job has something ready for a pool that had nothing. */
  hasReady(jobId: JobId, pool: Pool): void {
    const job = this.#active.get(jobId);
    if (job !== undefined) this.#jobsOf(job.standing).ready.get(pool)!.add(job);
  }

  /**
   * Whose task is published next, and for which pool: of the jobs that have something ready and room for it, the first in order; of its
   * pools the furthest down the pipeline. Undefined: nothing is, until something changes.
   */
  next(): { readonly jobId: JobId; readonly pool: Pool } | undefined {
    let best: (Ranked & { readonly pool: Pool }) | undefined;
    for (const [numericsKey, { ready }] of this.#classes) {
      if (!this.#hasRoom(numericsKey)) continue;
      for (const pool of POOLS) {
        const line = ready.get(pool)!;
        if (line.size === 0 || !this.#hasRoomIn(pool, numericsKey)) continue;
        for (const job of line) {
          if (job.work.readyCount(pool) === 0) {
            line.delete(job);
            continue;
          }
          const { standing } = job;
          const { use, left } = this.#partOf(standing);
          if (left <= 0) continue;
          const candidate = { standing, use, pool };
          if (best === undefined || goesBefore(candidate, best)) best = candidate;
        }
      }
    }
    return best && { jobId: best.standing.jobId, pool: best.pool };
  }

  /** Whether there is room for openings that no active job has anything for, and a queued one may have. */
  get lacksOpenings(): boolean {
    for (const [numericsKey, { queued }] of this.#classes) {
      if (queued.size === 0) continue;
      const openings = this.#options.out.countOf('idm', numericsKey);
      if (openings < this.#openingsWanted(numericsKey) && this.#hasRoom(numericsKey)) return true;
    }
    return false;
  }

  /**
   * Which queued job shall become active, if one shall. Openings are wide, and lead to all else: while those of active jobs that go
   * before it have enough of them, one more would only take memory. Where nobody serves its class it would too.
   */
  nextToBegin(): JobId | undefined {
    if (this.#active.size >= ACTIVE_JOBS_MAX) return undefined;
    let best: Ranked | undefined;
    for (const [numericsKey, jobs] of this.#classes) {
      if (!this.#isServed(numericsKey) && sizeOf(jobs.active) >= OUT_MIN) continue;
      const first = this.#firstQueued(jobs);
      if (first === undefined || (best !== undefined && !goesBefore(first, best))) continue;
      if (this.#openingsBefore(first, jobs) < this.#openingsWanted(numericsKey)) best = first;
    }
    return best?.standing.jobId;
  }

  #firstQueued({ queued }: ClassJobs): Ranked | undefined {
    let best: Ranked | undefined;
    for (const line of queued.values()) {
      const standing = line[0]!;
      const { use, left } = this.#partOf(standing);
      const first = { standing, use };
      if (left > 0 && (best === undefined || goesBefore(first, best))) best = first;
    }
    return best;
  }

  /** Of active jobs that go before this one; of each owner only as many as the owner may still publish. */
  #openingsBefore(queued: Ranked, { active }: ClassJobs): number {
    let openings = 0;
    for (const jobs of active.values()) {
      let ofOwner = 0;
      let part: { readonly use: number; readonly left: number } | undefined;
      for (const { standing, work } of jobs) {
        part ??= this.#partOf(standing);
        const { use } = part;
        if (goesBefore({ standing, use }, queued)) ofOwner += work.openingLeft;
      }
      openings += Math.min(ofOwner, Math.max(0, part?.left ?? 0));
    }
    return openings;
  }

  #openingsWanted(numericsKey: string): number {
    return Math.max(OUT_MIN, OPENINGS_PER_SLOT * this.#options.slotsOf('idm', numericsKey));
  }

  #hasRoomIn(pool: Pool, numericsKey: string): boolean {
    const { out, slotsOf, paces } = this.#options;
    const seconds = paces?.secondsOf(pool, numericsKey);
    return out.countOf(pool, numericsKey) < outMax(slotsOf(pool, numericsKey), seconds);
  }

  /** Over all pools. */
  #hasRoom(numericsKey: string): boolean {
    const { out, slotsOf, paces } = this.#options;
    const seconds = paces?.secondsOfAll(numericsKey);
    return out.totalOf(numericsKey) < outMax(slotsOf('any', numericsKey), seconds);
  }

  #isServed(numericsKey: string): boolean {
    return this.#options.slotsOf('any', numericsKey) > 0;
  }

  /** What an owner uses by weight, and may still publish. What is out for nobody takes nothing from jobs that somebody can run. */
  #partOf({ owner, numericsKey }: Standing): { readonly use: number; readonly left: number } {
    const { out, shareOf = () => EQUAL_SHARE } = this.#options;
    const { weight, quota } = shareOf(owner);
    let count = 0;
    for (const other of this.#classes.keys()) {
      const counts = other === numericsKey || this.#isServed(other);
      if (counts) count += out.countOfOwner(owner, other);
    }
    return { use: count / weight, left: quota - count };
  }

  #jobsOf({ numericsKey }: Standing): ClassJobs {
    const known = this.#classes.get(numericsKey);
    if (known !== undefined) return known;
    const ready = new Map(POOLS.map((pool) => [pool, new Set<ActiveJob>()]));
    const jobs: ClassJobs = { queued: new Map(), active: new Map(), ready };
    this.#classes.set(numericsKey, jobs);
    return jobs;
  }

  #unqueue(jobId: JobId): void {
    const standing = this.#queued.get(jobId);
    if (standing === undefined) return;
    this.#queued.delete(jobId);
    const { queued } = this.#jobsOf(standing);
    const line = queued.get(standing.owner)!;
    line.splice(line.indexOf(standing), 1);
    if (line.length === 0) queued.delete(standing.owner);
    this.#tidy(standing);
  }

  /** Forgets a class of which there are no jobs. */
  #tidy({ numericsKey }: Standing): void {
    const { queued, active } = this.#classes.get(numericsKey)!;
    if (queued.size === 0 && active.size === 0) this.#classes.delete(numericsKey);
  }
}

/**
 * Tasks that may be out where so many slots can take them. At least one more than these, where there are several: one of them may not be
 * given the task that waits.
 */
export function outMax(slots: number, seconds = 0): number {
  if (slots === 0) return OUT_MIN;
  const ahead = Math.floor((slots * AHEAD_SECONDS) / seconds);
  return slots + Math.min(slots, Math.max(slots > 1 ? 1 : 0, ahead));
}

function sizeOf(byOwner: ReadonlyMap<string, ReadonlySet<unknown>>): number {
  let size = 0;
  for (const { size: ofOwner } of byOwner.values()) size += ofOwner;
  return size;
}

/** Where in an owner's line a job belongs. */
function indexIn(line: readonly Standing[], standing: Standing): number {
  let low = 0;
  let high = line.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const isAfter = goesBefore({ standing: line[middle]!, use: 0 }, { standing, use: 0 });
    if (isAfter) low = middle + 1;
    else high = middle;
  }
  return low;
}
