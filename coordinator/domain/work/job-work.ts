// How much work a job is, stage by stage, before any of it was measured: comparable between jobs of the same models, whatever their size
// and steps. Pure.

import { numericsKeyOf } from '../../../common/stage-facts.ts';
import type { Stage } from '../../../common/task.ts';
import { nodesOf } from '../../../recipes/job.ts';
import type { AcceptedJob } from '../../../recipes/job.ts';
import { framesRun, sumOverTasks } from '../../../recipes/pipeline/layout.ts';
import { costUnitsOf } from '../cost.ts';
import type { WorkKind } from './work-rates.ts';

/** Units are of frames of so many pixels. */
const UNIT_PIXELS = 512 * 512;

export interface StageAmount {
  readonly kind: WorkKind;
  /** Of all its tasks. */
  readonly units: number;
}

/** Units of one task that makes so many frames. */
export function taskUnits(job: AcceptedJob, stage: Stage, frames: number): number {
  return (costUnitsOf(stage, frames, job) * job.width * job.height) / UNIT_PIXELS;
}

/** By stage. @throws failed-precondition — another version has accepted the job */
export function workOf(job: AcceptedJob): ReadonlyMap<Stage, StageAmount> {
  const numericsKey = numericsKeyOf(job.numerics);
  const amounts = new Map<Stage, { models: Set<string>; units: number }>();
  for (const { stage, models, layout } of nodesOf(job)) {
    const amount = amounts.get(stage) ?? { models: new Set(), units: 0 };
    amounts.set(stage, amount);
    for (const digest of Object.values(models)) amount.models.add(digest);
    amount.units += sumOverTasks(layout, (task) => taskUnits(job, stage, framesRun(layout, task)));
  }
  return new Map(
    [...amounts].map(([stage, { models, units }]) => {
      const kind = { stage, numericsKey, models: [...models].sort().join() };
      return [stage, { kind, units }];
    }),
  );
}
