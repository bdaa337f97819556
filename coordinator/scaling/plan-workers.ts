// How many workers each pool should have for the work that is known: the fewest with which every job is complete in time, started no
// sooner than they have something to do. Pure.

import { Projector } from './projection.ts';
import type { Projection, SlotSupply, Supplies } from './projection.ts';
import { SCALED_POOLS } from './predicted-work.ts';
import type { JobWork, ScaledPool } from './predicted-work.ts';

/** What a pool has and may have. Workers, not slots. */
export interface PoolSupply {
  readonly slotsPerWorker: number;
  /** That are there, and take tasks. */
  readonly working: number;
  /** Of those, that have nothing to do. */
  readonly idle: number;
  /** Of each that is starting and is counted on: seconds until it works. */
  readonly starting: readonly number[];
  /** Seconds that one takes which is started now. */
  readonly startSeconds: number;
  /** That may be started beyond those that are there or starting. */
  readonly addable: number;
}

export interface PoolPlan {
  /** Workers to start now. */
  readonly add: number;
  /** Workers that will be needed too, but not yet. */
  readonly later: number;
  /** Idle workers without which every job is complete in time as well. */
  readonly surplus: number;
  /** None of the work that is known is the pool's. */
  readonly isNeedless: boolean;
}

export interface WorkersPlan {
  readonly pools: Readonly<Record<ScaledPool, PoolPlan>>;
  /** Jobs that would be late even with all workers that there may be. */
  readonly late: number;
  /** Seconds from now until the last job is done by this plan; 0 if there is none. */
  readonly lastEnd: number;
}

export interface PlanWorkersOptions {
  readonly jobs: readonly JobWork[];
  readonly supplies: Readonly<Record<ScaledPool, PoolSupply>>;
  readonly targetSeconds: number;
}

/** Of the target, that is kept free: tasks take longer than foreseen, and a fluid flows more evenly than tasks. */
const MARGIN_SHARE = 0.02;
/** A job that cannot be in time is to be done no later than so many times the soonest. */
const LATE_FACTOR = 1.2;
/** A worker that has nothing to do yet may be started so much later: and no less than so many steps of the projection, or their ends hide it. */
const LATER_SECONDS = 15;
const LATER_STEPS = 4;
/** If that saves such a share of the time. */
const LATER_SHARE = 0.25;
/** Steps of a projection in a target. */
const STEPS = 150;

type Counts = Readonly<Record<ScaledPool, number>>;
const NOTHING: Counts = { idm: 0, mixer: 0, vdm: 0 };
const ORDERS: readonly (readonly ScaledPool[])[] = [
  ['vdm', 'mixer', 'idm'],
  ['idm', 'mixer', 'vdm'],
  ['mixer', 'vdm', 'idm'],
];

export function planWorkers(options: PlanWorkersOptions): WorkersPlan {
  return new Planning(options).plan();
}

/** Workers started beyond those that are there, those that go, and how much later the new ones are started. */
interface Trial {
  readonly added: Counts;
  readonly gone: Counts;
  readonly delayed: Counts;
}

class Planning {
  readonly #options: PlanWorkersOptions;
  readonly #projector: Projector;
  readonly #tried = new Map<string, Projection>();
  /** By job: when it shall be done at the latest. */
  readonly #dues: Float64Array;
  #late = 0;

  constructor(options: PlanWorkersOptions) {
    this.#options = options;
    const { jobs, targetSeconds } = options;
    this.#projector = new Projector(jobs, targetSeconds / STEPS);
    const margin = MARGIN_SHARE * targetSeconds;
    this.#dues = Float64Array.from(jobs, ({ dueSeconds }) => dueSeconds - margin);
  }

  plan(): WorkersPlan {
    const { jobs, supplies } = this.#options;
    const plan = (added: Counts, later: Counts): WorkersPlan => {
      const surplus = this.#surplus(added, later);
      const of = (pool: ScaledPool): PoolPlan => ({
        add: added[pool] - later[pool],
        later: later[pool],
        surplus: surplus[pool],
        isNeedless: !jobs.some(({ stages }) =>
          stages.some((one) => one.pool === pool && one.tasks > 0),
        ),
      });
      const { ends } = this.#project({ added, gone: NOTHING, delayed: NOTHING });
      const lastEnd = ends.length === 0 ? 0 : Math.max(...ends);
      return {
        pools: { idm: of('idm'), mixer: of('mixer'), vdm: of('vdm') },
        late: this.#late,
        lastEnd,
      };
    };
    if (jobs.length === 0) return plan(NOTHING, NOTHING);
    const all = countsOf((pool) => supplies[pool].addable);
    this.#admitLate(all);
    const added = this.#fewest(all);
    return plan(added, this.#laterOf(added));
  }

  /** Jobs that cannot be in time get another time. */
  #admitLate(all: Counts): void {
    const { ends } = this.#project({ added: all, gone: NOTHING, delayed: NOTHING });
    ends.forEach((end, job) => {
      if (end <= this.#dues[job]!) return;
      if (end > this.#options.jobs[job]!.dueSeconds) this.#late += 1;
      this.#dues[job] = LATE_FACTOR * end;
    });
  }

  /** The cheapest of the ways to leave out what is not needed. */
  #fewest(all: Counts): Counts {
    let best = all;
    let bestCost = Infinity;
    for (const order of ORDERS) {
      let added = all;
      for (const pool of order) {
        const least = leastWith(added[pool], (count) =>
          this.#isInTime({ added: { ...added, [pool]: count }, gone: NOTHING, delayed: NOTHING }),
        );
        added = { ...added, [pool]: least };
      }
      const cost = this.#cost({ added, gone: NOTHING, delayed: NOTHING });
      if (cost < bestCost) [best, bestCost] = [added, cost];
    }
    return best;
  }

  /** Of those to be added, that had better be started later: they would wait, and nothing is done sooner for them. */
  #laterOf(added: Counts): Counts {
    let later = NOTHING;
    const trial = { added, gone: NOTHING };
    for (const pool of SCALED_POOLS) {
      if (added[pool] === 0) continue;
      const { lastUse } = this.#project({ ...trial, delayed: NOTHING });
      const stepSeconds = this.#projector.stepSecondsAt(Math.max(...Object.values(lastUse)));
      const seconds = Math.max(LATER_SECONDS, LATER_STEPS * stepSeconds);
      const delayed = { ...NOTHING, [pool]: seconds };
      const now = this.#cost({ ...trial, delayed: NOTHING });
      const then = this.#cost({ ...trial, delayed });
      const isCheaper = then < now - added[pool] * seconds * LATER_SHARE;
      const patient = { ...NOTHING, [pool]: 2 * seconds };
      if (isCheaper && this.#isInTime({ ...trial, delayed: patient })) {
        later = { ...later, [pool]: added[pool] };
      }
    }
    return later;
  }

  #surplus(added: Counts, later: Counts): Counts {
    let gone = NOTHING;
    for (const pool of SCALED_POOLS) {
      if (added[pool] > later[pool]) continue;
      const { idle } = this.#options.supplies[pool];
      const needed = leastWith(idle, (kept) =>
        this.#isInTime({ added, gone: { ...gone, [pool]: idle - kept }, delayed: NOTHING }),
      );
      gone = { ...gone, [pool]: idle - needed };
    }
    return gone;
  }

  #isInTime(trial: Trial): boolean {
    const { ends } = this.#project(trial);
    return ends.every((end, job) => end <= this.#dues[job]!);
  }

  /** Seconds of workers, from now until each pool has nothing to do. */
  #cost(trial: Trial): number {
    const { lastUse } = this.#project(trial);
    let cost = 0;
    for (const pool of SCALED_POOLS) {
      const { working, starting, startSeconds } = this.#options.supplies[pool];
      const there = working - trial.gone[pool];
      cost += there * lastUse[pool];
      for (const left of starting) cost += Math.max(left, lastUse[pool]);
      const begun = trial.delayed[pool];
      const end = Math.max(lastUse[pool], begun + startSeconds);
      cost += trial.added[pool] * (end - begun);
    }
    return cost;
  }

  #project(trial: Trial): Projection {
    const key = SCALED_POOLS.flatMap((pool) => [
      trial.added[pool],
      trial.gone[pool],
      trial.delayed[pool],
    ]).join();
    let found = this.#tried.get(key);
    if (found === undefined) {
      found = this.#projector.project(this.#suppliesOf(trial));
      this.#tried.set(key, found);
    }
    return found;
  }

  #suppliesOf({ added, gone, delayed }: Trial): Supplies {
    const of = (pool: ScaledPool): SlotSupply[] => {
      const { working, starting, startSeconds, slotsPerWorker } = this.#options.supplies[pool];
      return [
        { slots: slotsPerWorker * (working - gone[pool]), fromSeconds: 0 },
        ...starting.map((fromSeconds) => ({ slots: slotsPerWorker, fromSeconds })),
        { slots: slotsPerWorker * added[pool], fromSeconds: delayed[pool] + startSeconds },
      ].filter(({ slots }) => slots > 0);
    };
    return { idm: of('idm'), mixer: of('mixer'), vdm: of('vdm') };
  }
}

function countsOf(count: (pool: ScaledPool) => number): Counts {
  return { idm: count('idm'), mixer: count('mixer'), vdm: count('vdm') };
}

/** The least count, 0..most, with which it is so; `most` where none below is. With more it stays so. */
function leastWith(most: number, isSo: (count: number) => boolean): number {
  let [low, high] = [0, most];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isSo(middle)) high = middle;
    else low = middle + 1;
  }
  return high;
}
