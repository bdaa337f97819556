// A day of a farm that is scaled: the coordinator as it is, in virtual time, with workers that come and go as a policy has it.

import { BivdiffError } from '../../../common/errors.ts';
import { STAGE_FACTS } from '../../../common/stage-facts.ts';
import type { JobId } from '../../../common/task.ts';
import { Coordinator } from '../../coordinator.ts';
import { jobsAhead } from '../../dispatch/jobs-ahead.ts';
import { WorkerRegistry } from '../../dispatch/worker-registry.ts';
import { jobIdOf } from '../../domain/accept.ts';
import { DEFAULT_FAILURE_POLICY } from '../../domain/failure-policy.ts';
import type { ScaledPool } from '../../scaling/predicted-work.ts';
import { Draws } from '../draws.ts';
import { createStageSeconds, SCENARIO_DEFAULTS, simulatedJob } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { NO_TENANTS } from '../tenancy.ts';
import { settle } from '../world/settle.ts';
import { VirtualBus } from '../world/virtual-bus.ts';
import { VirtualClock } from '../world/virtual-clock.ts';
import { VirtualFarm } from '../world/virtual-farm.ts';
import { VirtualStore } from '../world/virtual-store.ts';
import type { ScalingPolicy } from './scaling-policies.ts';
import { DAY_SECONDS } from './traffic.ts';
import type { DayJob } from './traffic.ts';
import { VirtualCluster } from './virtual-cluster.ts';

export interface DayOptions {
  readonly jobs: readonly DayJob[];
  /** On a worker, on average: of idm work a frame, of mixer and vdm work a window of 16 frames. */
  readonly seconds: Readonly<Record<ScaledPool, number>>;
  /** Sigma of the log-normal durations of tasks. */
  readonly spread: number;
  readonly max: Readonly<Record<ScaledPool, number>>;
  readonly startSeconds: { readonly mean: number; readonly sigma: number };
  readonly drainSeconds: number;
  readonly targetSeconds: number;
  readonly seed: number;
}

export interface DayResult {
  readonly gpuSeconds: number;
  readonly starts: number;
  /** Of them, while pods started, and while they ran something. */
  readonly startSeconds: number;
  readonly busySeconds: number;
  /** Share of the jobs that were complete within the target. */
  readonly inTime: number;
  /** Seconds from a job's coming until it was complete, by the order of coming. */
  readonly took: readonly number[];
  /** Attempts that ended with their workers. */
  readonly lost: number;
}

export const WINDOW = 16;
export const FRAME_BATCH = 8;
const EPOCH_MS = Date.UTC(2026, 0, 1);
/** After the last job's coming, until what is left of the farm is counted no more. */
const REST_OF_DAY_SECONDS = 3_600;

export async function simulateDay(options: DayOptions, policy: ScalingPolicy): Promise<DayResult> {
  return new Day(options, policy).run();
}

class Day {
  readonly #options: DayOptions;
  readonly #policy: ScalingPolicy;
  readonly #clock = new VirtualClock((slot, run) => {
    this.#farm.end(slot, run);
  });
  readonly #bus = new VirtualBus();
  readonly #store: VirtualStore;
  readonly #farm: VirtualFarm;
  readonly #workers: WorkerRegistry;
  readonly #coordinator: Coordinator;
  readonly #cluster: VirtualCluster;
  readonly #numbers = new Map<JobId, number>();
  readonly #took: number[] = [];
  #over = 0;
  #isTouched = false;
  #failure: BivdiffError | undefined;
  #busyMs = 0;

  constructor(options: DayOptions, policy: ScalingPolicy) {
    this.#options = options;
    this.#policy = policy;
    this.#store = new VirtualStore((jobId, { kind }) => {
      if (kind !== 'done' && kind !== 'failed') return;
      const job = this.#numbers.get(jobId)!;
      this.#over += 1;
      const tookMs = this.#clock.nowMs() - options.jobs[job]!.atSeconds * 1000;
      this.#took[job] = kind === 'done' ? tookMs / 1000 : Infinity;
    });
    const scenario = scenarioOf(options);
    this.#workers = new WorkerRegistry(this.#clock);
    this.#farm = new VirtualFarm({
      ...{ scenario, clock: this.#clock, bus: this.#bus, store: this.#store, startsEmpty: true },
      draws: new Draws(scenario),
      stageSeconds: createStageSeconds(scenario),
      poisoned: new Set(),
      onRun: ({ beganMs, endedMs }) => {
        this.#busyMs += endedMs - beganMs;
      },
      onBeats: (statuses) => {
        for (const status of statuses) this.#workers.note(status);
      },
    });
    this.#bus.attach(this.#farm);
    const { clock, farm } = { clock: this.#clock, farm: this.#farm };
    this.#cluster = new VirtualCluster({ ...options, clock, farm });
    this.#coordinator = this.#createCoordinator();
  }

  async run(): Promise<DayResult> {
    const { jobs, targetSeconds } = this.#options;
    const ending = new AbortController();
    const running = this.#coordinator.run(ending.signal).catch((reason: unknown) => {
      this.#failure = BivdiffError.from(reason, 'the simulated coordinator');
    });
    await settle(this.#bus.feed);
    this.#farm.begin();
    jobs.forEach((job, index) =>
      this.#clock.after(job.atSeconds * 1000, () => this.#submit(job, index)),
    );
    const lookMs = this.#policy.everySeconds * 1000;
    let nextLookMs = 0;
    const endMs = (DAY_SECONDS + REST_OF_DAY_SECONDS) * 1000;
    let seen = -1;
    while (this.#over < jobs.length || this.#clock.nowMs() < endMs) {
      this.#clock.advance();
      if (this.#isTouched || !this.#bus.feed.isRead || this.#bus.feed.count !== seen) {
        this.#isTouched = false;
        await settle(this.#bus.feed);
      }
      seen = this.#bus.feed.count;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#clock.nowMs() < nextLookMs) continue;
      nextLookMs = this.#clock.nowMs() + lookMs;
      await this.#look();
    }
    ending.abort();
    await running;
    const inTime = this.#took.filter((seconds) => seconds <= targetSeconds).length / jobs.length;
    const { gpuSeconds, starts, startSeconds, lost } = this.#cluster;
    const busySeconds = this.#busyMs / 1000;
    return { gpuSeconds, starts, startSeconds, busySeconds, inTime, took: this.#took, lost };
  }

  async #look(): Promise<void> {
    await this.#policy.look({
      cluster: this.#cluster,
      jobs: () => jobsAhead(this.#coordinator.queued),
      queueOf: (pool) => this.#queueOf(pool),
      max: this.#options.max,
      nowMs: () => this.#clock.nowMs(),
      epochMs: EPOCH_MS,
    });
    this.#isTouched = true;
  }

  /** Ready or out; work for any worker is the first pool's. */
  #queueOf(pool: ScaledPool): number {
    let count = 0;
    for (const { active, size } of this.#coordinator.queued) {
      if (active === undefined) {
        // Not begun: its first tasks wait for a worker.
        if (pool === 'idm') count += size?.work.get('generate')?.tasks ?? 0;
        continue;
      }
      for (const task of active.run.ready) {
        const own = STAGE_FACTS[active.graph.stage(task)].pool;
        if ((own === 'any' ? 'idm' : own) === pool) count += 1;
      }
    }
    return count;
  }

  #submit({ frames }: DayJob, index: number): void {
    this.#isTouched = true;
    const job = simulatedJob({ frames, window: WINDOW, frameBatch: FRAME_BATCH }, index);
    this.#numbers.set(jobIdOf(job), index);
    this.#coordinator
      .submit(job, { name: `job ${index}`, priority: 0 })
      .catch((reason: unknown) => {
        this.#failure = BivdiffError.from(reason, 'submitting a simulated job');
      });
  }

  #createCoordinator(): Coordinator {
    const clock = this.#clock;
    return new Coordinator({
      ...{ store: this.#store, bus: this.#bus, workers: this.#workers },
      clock: {
        nowMs: () => clock.nowMs(),
        after: (delayMs, callback) =>
          clock.after(delayMs, () => {
            this.#isTouched = true;
            callback();
          }),
      },
      policy: DEFAULT_FAILURE_POLICY,
      nowMs: () => EPOCH_MS + clock.nowMs(),
      name: 'simulated',
      conclude: ({ graph }) => {
        for (let task = 0; task < graph.size; task += 1) {
          this.#store.forget(graph.plan.id(graph.ref(task)));
        }
        return Promise.resolve();
      },
      onTrouble: ({ code, message }) => {
        if (code === 'internal') this.#failure = new BivdiffError(code, message);
      },
    });
  }
}

/** Twice the workers that may be: one that ends is in its place until it has ended. */
export function scenarioOf({ max, seconds, spread, seed }: DayOptions): Scenario {
  const pool = (workers: number) => ({ workers: 2 * workers, slots: 1, speed: 1 });
  return {
    ...NO_TENANTS,
    pools: { idm: pool(max.idm), mixer: pool(max.mixer), vdm: pool(max.vdm) },
    ...{ jobs: 1, frames: 10 * WINDOW, window: WINDOW, frameBatch: FRAME_BATCH, arrivalSeconds: 0 },
    ...{ seconds, anySeconds: 1, spread, stragglers: { share: 0, factor: 1 }, failures: 0 },
    ...{ poison: 0, deathsPerHour: 0, returnSeconds: SCENARIO_DEFAULTS.returnSeconds },
    ...{ ackWaitMs: 30_000, seed },
  };
}
