// Bench (c), first half: how fast the planner names tasks. One digest over all ids shows that two runs planned the same.

import { createHash } from 'node:crypto';

import { createPlan } from '../coordinator/domain/plan.ts';
import { benchJob } from './bench-job.ts';

export interface PlanningFigures {
  readonly frames: number;
  readonly tasks: number;
  readonly tasksPerSecond: number;
  readonly idsDigest: string;
}

/** Plans a job of so many frames, every id. The caller warms up first. */
export function measurePlanning(frames: number): PlanningFigures {
  const begunMs = performance.now();
  const plan = createPlan(benchJob(frames));
  const hash = createHash('sha256');
  let tasks = 0;
  for (const { name, count } of plan.nodes) {
    for (let index = 0; index < count; index += 1) {
      hash.update(plan.id({ node: name, index }));
      tasks += 1;
    }
  }
  const seconds = (performance.now() - begunMs) / 1000;
  return { frames, tasks, tasksPerSecond: tasks / seconds, idsDigest: hash.digest('hex') };
}
