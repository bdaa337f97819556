// The scaler: looks at farm, workers and work, and says what shall change. What it has said it does not remember as done: whether it was
// done shows in the next view. It knows neither network nor clock.

import { numericsKeyOf } from '../../common/stage-facts.ts';
import { WORKER_SILENT_MS } from '../../common/worker-status.ts';
import type { Decision, Look, PoolDecision } from './decision.ts';
import { GpuBudget } from './gpu-budget.ts';
import { planWorkers } from './plan-workers.ts';
import type { PoolSupply, WorkersPlan } from './plan-workers.ts';
import { PoolScaler } from './pool-scaler.ts';
import type { PoolState } from './pool-scaler.ts';
import { predictWork, SCALED_POOLS } from './predicted-work.ts';
import type { PredictedWork, ScaledPool } from './predicted-work.ts';
import type { ScalerSettings } from './settings.ts';
import { UnitPaces } from './unit-paces.ts';
import type { HeardWorkers } from './worker-pods.ts';

/** A view that is older is not acted on. */
export const VIEW_AGE_MS_MAX = 10_000;

export class Scaler {
  readonly paces = new UnitPaces();
  readonly budget: GpuBudget;
  readonly #settings: ScalerSettings;
  readonly #pools = new Map<ScaledPool, PoolScaler>();
  /** Numerics classes of the workers that each pool has, or had while it had any. */
  readonly #classes = new Map<ScaledPool, Set<string>>();

  constructor(settings: ScalerSettings) {
    this.#settings = settings;
    this.budget = new GpuBudget(settings.gpuSecondsMax);
    for (const pool of SCALED_POOLS) {
      const ofPool = settings.pools[pool];
      if (ofPool !== undefined) this.#pools.set(pool, new PoolScaler(pool, ofPool));
    }
  }

  look(look: Look): Decision {
    const blind = whyBlind(look);
    if (blind !== undefined) return nothing(blind);
    const troubles: string[] = [];
    const states = new Map<ScaledPool, PoolState>();
    for (const [pool, scaler] of this.#pools) {
      const state = scaler.observe(look);
      if (typeof state === 'string') return nothing(state);
      states.set(pool, state);
      this.#noteClasses(pool, state, look.workers);
      troubles.push(...state.troubles);
    }
    const pods = [...states.values()].reduce((sum, state) => sum + state.pods.length, 0);
    this.budget.note(pods, look.wallMs);
    const work = this.#predict(look, troubles);
    const plan = this.#plan(work, states);
    if (this.budget.isSpent) troubles.push(this.#spentText());
    const decisions = [...this.#pools].map(([pool, scaler]) => {
      const text = workText(pool, work, plan);
      return [pool, scaler.decide(states.get(pool)!, plan.pools[pool], text)] as const;
    });
    return joined(decisions, troubles);
  }

  #predict({ jobs, wallMs }: Look, troubles: string[]): PredictedWork {
    const served = jobs.filter(({ numericsKey }) => {
      const classes = [...this.#classes.values()];
      return classes.every((known) => known.size === 0 || known.has(numericsKey));
    });
    if (served.length < jobs.length) {
      const count = jobs.length - served.length;
      troubles.push(
        `${count} of ${jobs.length} jobs are of a numerics class that the pools' workers do not have: nothing is started for them`,
      );
    }
    const { targetSeconds } = this.#settings;
    return predictWork(served, { paces: this.paces, nowMs: wallMs, targetSeconds });
  }

  #plan(work: PredictedWork, states: ReadonlyMap<ScaledPool, PoolState>): WorkersPlan {
    const supplyOf = (pool: ScaledPool): PoolSupply => {
      const supply = states.get(pool)?.supply;
      if (supply === undefined) return NOT_SCALED;
      return this.budget.isSpent ? { ...supply, addable: 0 } : supply;
    };
    const supplies = { idm: supplyOf('idm'), mixer: supplyOf('mixer'), vdm: supplyOf('vdm') };
    const { targetSeconds } = this.#settings;
    return planWorkers({ jobs: work.jobs, supplies, targetSeconds });
  }

  #noteClasses(pool: ScaledPool, { pods }: PoolState, { byName }: HeardWorkers): void {
    const heard = pods.flatMap(({ pod }) => byName.get(pod.name) ?? []);
    const known = this.#classes.get(pool) ?? new Set();
    const now = new Set(heard.map(({ status }) => numericsKeyOf(status.numerics)));
    this.#classes.set(pool, now.size > 0 ? now : known);
  }

  #spentText(): string {
    const { gpuSecondsMax } = this.#settings;
    const spent = Math.round(this.budget.spentSeconds);
    return `the day's cap of ${gpuSecondsMax ?? 0} GPU-seconds is used up (${spent}): none is started until midnight UTC`;
  }
}

/** A pool that has no settings: it is taken for one that does not hold others up. */
const NOT_SCALED: PoolSupply = {
  ...{ slotsPerWorker: 1, working: 1_000, idle: 0 },
  ...{ starting: [], startSeconds: 1, addable: 0 },
};

function whyBlind({ view, workers, nowMs }: Look): string | undefined {
  const ageMs = view.ageMs(nowMs);
  if (ageMs > VIEW_AGE_MS_MAX) {
    return `what is known of the cluster is ${Math.round(ageMs / 1000)} s old: nothing is changed`;
  }
  if (nowMs - workers.listeningSinceMs < WORKER_SILENT_MS) {
    return 'it has not been listened to workers for long enough to know who is there: nothing is changed';
  }
  return undefined;
}

function workText(pool: ScaledPool, work: PredictedWork, plan: WorkersPlan): string {
  if (work.jobs.length === 0) return 'no job is to be done';
  let seconds = 0;
  for (const { stages } of work.jobs) {
    for (const stage of stages) if (stage.pool === pool) seconds += stage.seconds;
  }
  const due = Math.min(...work.jobs.map(({ dueSeconds }) => dueSeconds));
  const words = [
    `${Math.round(seconds)} s of work for ${work.jobs.length} ${work.jobs.length === 1 ? 'job' : 'jobs'}, the first due ${
      due < 0 ? `${Math.round(-due)} s ago` : `in ${Math.round(due)} s`
    }`,
  ];
  if (work.unmeasured > 0)
    words.push(`${work.unmeasured} of them guessed: nothing like them was measured`);
  if (plan.late > 0) words.push(`${plan.late} will be late even with all workers that may be`);
  return words.join('; ');
}

function joined(
  decisions: readonly (readonly [ScaledPool, PoolDecision])[],
  troubles: readonly string[],
): Decision {
  return {
    replicas: decisions.flatMap(([, { replicas }]) => replicas ?? []),
    marks: decisions.flatMap(([, { marks }]) => marks),
    rest: decisions.flatMap(([, { rest }]) => rest),
    reasons: Object.fromEntries(decisions.map(([pool, { reason }]) => [pool, reason])),
    troubles,
  };
}

function nothing(trouble: string): Decision {
  return { replicas: [], marks: [], rest: [], reasons: {}, troubles: [trouble] };
}
