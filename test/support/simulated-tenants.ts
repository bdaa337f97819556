// What owners of a simulated farm got, and who waited behind whom, from the runs of its tasks and the planner's graph.

import type { TaskId } from '../../common/task.ts';
import { createPlan } from '../../coordinator/domain/plan.ts';
import { createTaskGraph } from '../../coordinator/domain/task-graph.ts';
import { simulatedJob } from '../../coordinator/simulation/scenario.ts';
import type { Scenario } from '../../coordinator/simulation/scenario.ts';
import { tenantOf } from '../../coordinator/simulation/tenancy.ts';
import type { Tenant } from '../../coordinator/simulation/tenancy.ts';
import type { SimulatedRun } from '../../coordinator/simulation/world/farm-options.ts';
import { STAGE_FACTS } from '../../common/stage-facts.ts';
import type { Pool } from '../../common/task.ts';

/** A task that ran, with all that decides whose turn it was. */
export interface TenantRun extends SimulatedRun, Tenant {
  readonly job: number;
  readonly pool: Pool;
  /** All that it reads was there, and its job was submitted. */
  readonly readyMs: number;
}

export function tenantRuns(scenario: Scenario, runs: readonly SimulatedRun[]): TenantRun[] {
  const byId = new Map(runs.map((run) => [run.taskId, run]));
  const found: TenantRun[] = [];
  for (let job = 0; job < scenario.jobs; job += 1) {
    const graph = createTaskGraph(createPlan(simulatedJob(scenario, job)));
    const idOf = (task: number): TaskId => graph.plan.id(graph.ref(task));
    const submittedMs = (scenario.arrivalSeconds * 1000 * job) / scenario.jobs;
    for (let task = 0; task < graph.size; task += 1) {
      const run = byId.get(idOf(task));
      if (run === undefined) continue;
      const ends = [...graph.dependencies(task)].map((one) => byId.get(idOf(one))!.endedMs);
      const readyMs = Math.max(submittedMs, ...ends);
      const { pool } = STAGE_FACTS[run.stage];
      found.push({ ...run, ...tenantOf(scenario, job), job, pool, readyMs });
    }
  }
  return found;
}

/** By owner: busy time of slots from the beginning until each tenth of the run, as a share of all owners'. */
export function sharesAtTenths(runs: readonly TenantRun[]): ReadonlyMap<string, readonly number[]> {
  const endMs = Math.max(...runs.map(({ endedMs }) => endedMs));
  const owners = [...new Set(runs.map(({ owner }) => owner))];
  const busyUntil = (mine: readonly TenantRun[], ms: number): number =>
    mine.reduce(
      (sum, { beganMs, endedMs }) => sum + Math.max(0, Math.min(ms, endedMs) - beganMs),
      0,
    );
  return new Map(
    owners.map((name) => {
      const mine = runs.filter(({ owner }) => owner === name);
      const shares = Array.from({ length: 10 }, (_, tenth) => {
        const ms = (endMs * (tenth + 1)) / 10;
        return busyUntil(mine, ms) / busyUntil(runs, ms);
      });
      return [name, shares];
    }),
  );
}

/**
 * For how long, at most, a ready task was kept waiting by tasks of lower priority, in times of the longest of them: their work that was begun
 * meanwhile on the slots that could have run it, shared out over these.
 */
export function longestInversion(
  runs: readonly TenantRun[],
  slotsOf: (place: Pick<TenantRun, 'pool' | 'className'>) => number,
): number {
  let longest = 0;
  const byPlace = Map.groupBy(runs, ({ pool, className }) => `${pool} ${className}`);
  for (const line of byPlace.values()) {
    const slots = slotsOf(line[0]!);
    const lengthOf = ({ beganMs, endedMs }: TenantRun): number => endedMs - beganMs;
    const taskMs = Math.max(...line.map(lengthOf));
    for (const run of line) {
      const keptMs = line
        .filter(({ priority }) => priority < run.priority)
        .filter(({ beganMs }) => beganMs > run.readyMs && beganMs < run.beganMs)
        .reduce((sum, one) => sum + lengthOf(one), 0);
      longest = Math.max(longest, keptMs / slots / taskMs);
    }
  }
  return longest;
}
