// The lower bound of a scenario: from its pools, the planner's graph and the durations that were drawn. Stragglers, failures and
// deaths are not in it: what they cost is part of how far a run is from it.

import { STAGE_FACTS } from '../../common/stage-facts.ts';
import type { Stage } from '../../common/task.ts';
import type { TaskGraph } from '../domain/task-graph.ts';
import type { Draws } from './draws.ts';
import { ANY_POOL, LowerBound } from './lower-bound.ts';
import type { Bound } from './lower-bound.ts';
import { slotsOf, WORKER_POOLS } from './scenario.ts';
import type { Scenario, StageSeconds } from './scenario.ts';

const NOTHING: Bound = {
  makespan: 0,
  because: 'no job was done',
  area: 0,
  rounds: 0,
  chain: 0,
};

export class ScenarioBound {
  readonly #scenario: Scenario;
  readonly #draws: Draws;
  readonly #stageSeconds: StageSeconds;
  /** By class: workers of one do nothing for jobs of another. */
  readonly #bounds = new Map<string, LowerBound>();
  /** Mean of each task, on the pool that runs it: the same for all jobs. */
  #means = new Float64Array(0);

  constructor(scenario: Scenario, draws: Draws, stageSeconds: StageSeconds) {
    this.#scenario = scenario;
    this.#draws = draws;
    this.#stageSeconds = stageSeconds;
  }

  /** Takes in a job; all jobs of a scenario have the same graph. */
  add(graph: TaskGraph, submittedSeconds: number): void {
    const className = graph.plan.job.numerics.inference;
    const bound = this.#bounds.get(className) ?? this.#begin(graph, className);
    this.#bounds.set(className, bound);
    const durations = new Float64Array(graph.size);
    for (let task = 0; task < graph.size; task += 1) {
      const taskId = graph.plan.id(graph.ref(task));
      durations[task] = this.#draws.seconds(taskId, this.#means[task]!);
    }
    bound.add(durations, submittedSeconds);
  }

  /** In seconds. */
  value(): Bound {
    const bounds = [...this.#bounds.values()].map((bound) => bound.value());
    return bounds.reduce((a, b) => (b.makespan > a.makespan ? b : a), NOTHING);
  }

  #begin(graph: TaskGraph, className: string): LowerBound {
    const { plan, size } = graph;
    // Windows that agree at every step have a node for each.
    const groupOf = new Uint16Array(size);
    const places = new Map(plan.nodes.map(({ name }, place) => [name, place]));
    this.#means = new Float64Array(size);
    for (let task = 0; task < size; task += 1) {
      const ref = graph.ref(task);
      const stage = graph.stage(task);
      const group = places.get(ref.node)!;
      groupOf[task] = group;
      const mean = this.#stageSeconds(stage, plan.framesRun(ref), plan.nodes[group]!.step);
      this.#means[task] = mean / this.#speedOf(stage);
    }
    const groups = plan.nodes.map(({ name, stage }) => {
      const { pool } = STAGE_FACTS[stage];
      return { name, pool: pool === 'any' ? ANY_POOL : WORKER_POOLS.indexOf(pool) };
    });
    const slots = WORKER_POOLS.map((pool) => slotsOf(this.#scenario, pool, className));
    const dependencies = (task: number): Uint32Array => graph.dependencies(task);
    return new LowerBound({ size, groupOf, dependencies }, groups, slots);
  }

  /** Of the fastest that may run it. */
  #speedOf(stage: Stage): number {
    const { pool } = STAGE_FACTS[stage];
    const { pools } = this.#scenario;
    if (pool !== 'any') return pools[pool].speed;
    return Math.max(...WORKER_POOLS.map((one) => pools[one].speed));
  }
}
