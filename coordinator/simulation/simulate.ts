// Runs the coordinator as it is, with its planner, job runs and failure policy, in virtual time: bus, store, clock and workers are
// made up, decisions are not. The same scenario gives the same result, whatever machine it runs on; only what the coordinator cost
// is measured, and differs.

import { BivdiffError } from '../../common/errors.ts';
import type { JobId, TaskId } from '../../common/task.ts';
import { Coordinator } from '../coordinator.ts';
import { jobIdOf } from '../domain/accept.ts';
import { DEFAULT_FAILURE_POLICY } from '../domain/failure-policy.ts';
import type { FailurePolicy } from '../domain/failure-policy.ts';
import { createPlan, tasksOfStage } from '../domain/plan.ts';
import type { ActiveJob } from '../run/active-job.ts';
import { WorkerRegistry } from '../dispatch/worker-registry.ts';
import { Draws } from './draws.ts';
import { createStageSeconds, servedJobs, simulatedJob } from './scenario.ts';
import type { Scenario, StageSeconds } from './scenario.ts';
import { ScenarioBound } from './scenario-bound.ts';
import { shareOf, tenantOf } from './tenancy.ts';
import type { SimulationResult } from './simulation-result.ts';
import { settle } from './world/settle.ts';
import { VirtualBus } from './world/virtual-bus.ts';
import { VirtualClock } from './world/virtual-clock.ts';
import { VirtualFarm } from './world/virtual-farm.ts';
import type { SimulatedRun } from './world/farm-options.ts';
import { VirtualStore } from './world/virtual-store.ts';

export interface SimulationOptions {
  /** @default the farm's own */
  readonly policy?: FailurePolicy;
  readonly scenario: Scenario;
  /** Milliseconds of real time, from any fixed point. */
  readonly realMs: () => number;
  readonly onProgress?: (progress: SimulationProgress) => void;
  /** Told of each task that was committed. */
  readonly onRun?: (run: SimulatedRun) => void;
  readonly signal?: AbortSignal;
}

export interface SimulationProgress {
  readonly virtualSeconds: number;
  readonly jobsOver: number;
}

/** Virtual time by the calendar begins here: any moment will do, so long as it is always the same. */
const EPOCH_MS = Date.UTC(2026, 0, 1);
/** Virtual time in which nothing is reported, nothing runs and nothing is still to come, after which it is stuck. */
const STUCK_MS = 600_000;
const PROGRESS_MS = 500;

/**
 * Runs a scenario to its end.
 * @throws cancelled — the signal aborts
 * @throws internal — the coordinator failed, or nothing goes on though jobs are open
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  return new Simulation(options).run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #clock: VirtualClock;
  readonly #bus = new VirtualBus();
  readonly #store: VirtualStore;
  readonly #draws: Draws;
  readonly #stageSeconds: StageSeconds;
  readonly #farm: VirtualFarm;
  readonly #workers: WorkerRegistry;
  readonly #coordinator: Coordinator;
  readonly #bound: ScenarioBound;
  readonly #submittedMs = new Map<JobId, number>();
  /** Jobs that were concluded since it was last looked. */
  #concluded: ActiveJob[] = [];
  #jobsDone = 0;
  #jobsFailed = 0;
  #troubles = 0;
  #failure: BivdiffError | undefined;
  /** The coordinator was given something to do. */
  #isTouched = false;
  #coordinatorMs = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    const { scenario } = options;
    this.#clock = new VirtualClock((slot, run) => {
      this.#farm.end(slot, run);
    });
    this.#store = new VirtualStore((_, { kind }) => {
      if (kind === 'done') this.#jobsDone += 1;
      if (kind === 'failed') this.#jobsFailed += 1;
    });
    this.#draws = new Draws(scenario);
    this.#stageSeconds = createStageSeconds(scenario);
    this.#workers = new WorkerRegistry(this.#clock);
    this.#farm = this.#createFarm();
    this.#bus.attach(this.#farm);
    this.#bound = new ScenarioBound(scenario, this.#draws, this.#stageSeconds);
    this.#coordinator = this.#createCoordinator();
  }

  async run(): Promise<SimulationResult> {
    const { realMs } = this.#options;
    const beganMs = realMs();
    const ending = new AbortController();
    const running = this.#coordinator.run(ending.signal).catch((reason: unknown) => {
      this.#failure = BivdiffError.from(reason, 'the simulated coordinator');
    });
    try {
      await this.#settle();
      this.#timed(() => {
        this.#farm.begin();
      });
      this.#submitJobs();
      await this.#goOn();
      const makespanMs = this.#clock.nowMs();
      const bound = this.#bound.value();
      return {
        tasks: this.#options.scenario.jobs * this.#tasksOfJob(),
        jobsDone: this.#jobsDone,
        jobsFailed: this.#jobsFailed,
        jobsUnserved: this.#options.scenario.jobs - servedJobs(this.#options.scenario),
        makespanSeconds: makespanMs / 1000,
        bound,
        pools: this.#farm.close(),
        attempts: this.#farm.attempts,
        deaths: this.#farm.deaths,
        events: this.#bus.feed.count,
        troubles: this.#troubles,
        real: {
          totalSeconds: (realMs() - beganMs) / 1000,
          coordinatorSeconds: this.#coordinatorMs / 1000,
        },
      };
    } finally {
      ending.abort();
      await running;
    }
  }

  /** Time passes until every job is over. */
  async #goOn(): Promise<void> {
    const { scenario, signal, realMs, onProgress } = this.#options;
    let eventsSeen = -1;
    let movedMs = scenario.arrivalSeconds * 1000;
    let shownMs = realMs();
    const served = servedJobs(scenario);
    while (this.#jobsDone + this.#jobsFailed < served) {
      if (!this.#clock.advance()) throw stuck(this.#clock.nowMs());
      if (this.#isTouched || !this.#bus.feed.isRead || this.#bus.feed.count !== eventsSeen) {
        await this.#settle();
        this.#takeConcluded();
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (signal?.aborted === true) throw BivdiffError.from(signal.reason, 'the simulation');
      const nowMs = this.#clock.nowMs();
      if (this.#bus.feed.count !== eventsSeen || this.#farm.running > 0) {
        movedMs = Math.max(movedMs, nowMs);
      }
      eventsSeen = this.#bus.feed.count;
      if (nowMs - movedMs > STUCK_MS) throw stuck(nowMs);
      if (onProgress === undefined || realMs() - shownMs < PROGRESS_MS) continue;
      shownMs = realMs();
      onProgress({ virtualSeconds: nowMs / 1000, jobsOver: this.#jobsDone + this.#jobsFailed });
    }
  }

  /** Lets the coordinator do all that it can do now, and measures what that takes. */
  async #settle(): Promise<void> {
    this.#isTouched = false;
    const beganMs = this.#options.realMs();
    await settle(this.#bus.feed);
    this.#coordinatorMs += this.#options.realMs() - beganMs;
  }

  #timed(work: () => void): void {
    const beganMs = this.#options.realMs();
    work();
    this.#coordinatorMs += this.#options.realMs() - beganMs;
  }

  #submitJobs(): void {
    const { scenario } = this.#options;
    for (let index = 0; index < scenario.jobs; index += 1) {
      const atMs = (scenario.arrivalSeconds * 1000 * index) / scenario.jobs;
      this.#clock.after(atMs, () => {
        this.#submit(index, atMs);
      });
    }
  }

  #submit(index: number, atMs: number): void {
    this.#isTouched = true;
    this.#timed(() => {
      const job = simulatedJob(this.#options.scenario, index);
      this.#submittedMs.set(jobIdOf(job), atMs);
      const { owner, priority } = tenantOf(this.#options.scenario, index);
      const facts = { name: `simulated ${index}`, owner, priority };
      this.#coordinator.submit(job, facts).catch((reason: unknown) => {
        this.#failure = BivdiffError.from(reason, 'submitting a simulated job');
      });
    });
  }

  /** Their durations go into the bound, and nothing else of them is kept. */
  #takeConcluded(): void {
    if (this.#concluded.length === 0) return;
    for (const { graph, jobId } of this.#concluded) {
      this.#bound.add(graph, (this.#submittedMs.get(jobId) ?? 0) / 1000);
      for (let task = 0; task < graph.size; task += 1) {
        this.#store.forget(graph.plan.id(graph.ref(task)));
      }
    }
    this.#concluded = [];
  }

  #tasksOfJob(): number {
    const plan = createPlan(simulatedJob(this.#options.scenario, 0));
    return plan.nodes.reduce((sum, { count }) => sum + count, 0);
  }

  #createFarm(): VirtualFarm {
    return new VirtualFarm({
      scenario: this.#options.scenario,
      clock: this.#clock,
      bus: this.#bus,
      store: this.#store,
      draws: this.#draws,
      stageSeconds: this.#stageSeconds,
      poisoned: this.#poisonedTasks(),
      onRun: this.#options.onRun,
      onBeats: (statuses) => {
        this.#timed(() => {
          for (const status of statuses) this.#workers.note(status);
        });
      },
    });
  }

  #poisonedTasks(): ReadonlySet<TaskId> {
    const { scenario } = this.#options;
    const poisoned = new Set<TaskId>();
    for (let job = 0; job < Math.min(scenario.poison, scenario.jobs); job += 1) {
      const plan = createPlan(simulatedJob(scenario, job));
      const windows = tasksOfStage(plan, 'smooth');
      poisoned.add(plan.id(windows[this.#draws.pick(job, windows.length)]!));
    }
    return poisoned;
  }

  #createCoordinator(): Coordinator {
    const clock = this.#clock;
    return new Coordinator({
      store: this.#store,
      bus: this.#bus,
      workers: this.#workers,
      clock: {
        nowMs: () => clock.nowMs(),
        after: (delayMs, callback) =>
          clock.after(delayMs, () => {
            this.#isTouched = true;
            this.#timed(callback);
          }),
      },
      policy: this.#options.policy ?? DEFAULT_FAILURE_POLICY,
      shareOf: (owner) => shareOf(this.#options.scenario, owner),
      nowMs: () => EPOCH_MS + clock.nowMs(),
      name: 'simulated',
      conclude: (active) => Promise.resolve(void this.#concluded.push(active)),
      onTrouble: ({ code }) => {
        // That a job waits for workers that the scenario leaves out is none.
        if (code !== 'failed-precondition') this.#troubles += 1;
      },
    });
  }
}

function stuck(nowMs: number): BivdiffError {
  return new BivdiffError(
    'internal',
    `the simulated farm is stuck since ${Math.round(nowMs / 1000)} s: jobs are open, but nothing runs and nothing is reported`,
    {
      hint: 'This is a defect of the coordinator or of the simulation; please report the scenario.',
    },
  );
}
