// A job that this coordinator runs: its plan, its run, its tally. Made from the accepted spec; thrown away and made again at will.

import type { CoordinatorBus, WorkerEvent } from '../../common/bus/ports.ts';
import type { Store } from '../../common/store/ports.ts';
import type { JobId, Pool } from '../../common/task.ts';
import { BivdiffError } from '../../common/errors.ts';
import { isStoreFull } from '../domain/failure-policy.ts';
import type { FailurePolicy } from '../domain/failure-policy.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { createPlan, tasksOfStage } from '../domain/plan.ts';
import { createTaskGraph } from '../domain/task-graph.ts';
import type { TaskGraph, TaskNumber } from '../domain/task-graph.ts';
import { observeBoth } from './job-observer.ts';
import type { JobObserver } from './job-observer.ts';
import { JobRun } from './job-run.ts';
import { LastResult } from './last-result.ts';
import { JobTally } from './job-tally.ts';
import type { PublishedTasks } from './published-tasks.ts';
import type { SharedHolds } from './shared-holds.ts';
import type { Clock, Workforce } from '../ports.ts';

export interface ActiveJobOptions {
  readonly jobId: JobId;
  readonly job: AcceptedJob;
  readonly store: Store;
  readonly bus: CoordinatorBus;
  readonly clock: Clock;
  readonly policy: FailurePolicy;
  /** Slots of the farm, now. */
  readonly slots: () => number;
  readonly owner: string;
  /** What earlier runs took, as far as their ends are known. @default 0 */
  readonly secondsBefore?: number;
  /** As `JobRunOptions.out`. */
  readonly out: PublishedTasks;
  readonly workers: Workforce;
  /** As `JobRunOptions.holds`. */
  readonly holds?: SharedHolds | undefined;
  /** Follows the run besides the tally. */
  readonly observe: (graph: TaskGraph) => JobObserver;
  readonly onChange: () => void;
  /** As `JobRunOptions.onReady`. */
  readonly onReady: (pool: Pool) => void;
  /** Told of what somebody should look at although the job goes on: a store without room. */
  readonly onTrouble: (error: BivdiffError) => void;
}

export class ActiveJob {
  readonly jobId: JobId;
  readonly graph: TaskGraph;
  readonly tally: JobTally;
  readonly run: JobRun;
  /** Wall seconds of earlier runs. */
  secondsBefore: number;
  readonly #clock: Clock;
  readonly #begunMs: number;
  readonly #lastResult = new LastResult();
  readonly #wanted: readonly TaskNumber[];
  readonly #onTrouble: (error: BivdiffError) => void;

  constructor(options: ActiveJobOptions) {
    const { clock } = options;
    this.jobId = options.jobId;
    this.secondsBefore = options.secondsBefore ?? 0;
    this.#clock = clock;
    this.#onTrouble = options.onTrouble;
    this.#begunMs = clock.nowMs();
    this.graph = createTaskGraph(createPlan(options.job));
    this.#wanted = wantedTasks(this.graph);
    this.tally = new JobTally({
      graph: this.graph,
      slots: options.slots,
      nowMs: () => clock.nowMs() - this.#begunMs,
      onChange: options.onChange,
    });
    const followers = observeBoth(this.#lastResult, options.observe(this.graph));
    const observer = observeBoth(this.tally, followers);
    this.run = new JobRun({ ...options, graph: this.graph, observer });
  }

  /** Wall seconds that it has run, here and before. */
  get seconds(): number {
    return this.secondsBefore + (this.#clock.nowMs() - this.#begunMs) / 1000;
  }

  /** When the last result was made that it found, by the worker's clock, in milliseconds since 1970; undefined: it found none. */
  get lastResultAtMs(): number | undefined {
    return this.#lastResult.atMs;
  }

  async start(): Promise<void> {
    await this.run.start(this.#wanted);
  }

  async handle(event: WorkerEvent): Promise<void> {
    if (event.kind === 'failed' && isStoreFull(event.failure)) {
      this.#onTrouble(BivdiffError.fromJSON(event.failure));
    }
    await this.run.handle(event);
  }

  /** Stops what can be reached of it, and lets go of all of it: its tasks would take room for ever. */
  async abandon(cause: BivdiffError): Promise<void> {
    await this.run.stop(cause).catch(() => undefined);
    this.run.leave();
  }

  async stop(why: string): Promise<void> {
    await this.run.stop(new BivdiffError('cancelled', why));
  }
}

/** What a render is for: every output, and every measure. */
export function wantedTasks(graph: TaskGraph): TaskNumber[] {
  const { plan } = graph;
  return [...tasksOfStage(plan, 'measure'), ...tasksOfStage(plan, 'assemble')].map((ref) =>
    graph.number(ref),
  );
}
