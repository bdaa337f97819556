// Which models a job has done with for now: a render that is the last one of its process gives their memory back before the next ones are loaded.

import type { Digest, Stage } from '../../common/task.ts';
import { countOfStage } from '../../coordinator/domain/plan.ts';
import type { Plan } from '../../coordinator/domain/plan.ts';
import { nodesOf } from '../../recipes/job.ts';
import type { AcceptedJob } from '../../recipes/job.ts';

/** Where a stage stands: no task of it is left; some are, and one was run or is being run; none was. */
export type StageStand = 'done' | 'begun' | 'ahead';

/** Whether each stage begins when the one before it is done. With several windows each goes as far as it can before the next is drawn. */
export function runsOneByOne(plan: Plan): boolean {
  return countOfStage(plan, 'smooth') <= 1;
}

/**
 * Gives the parts that are idle since it was called last: no stage that has begun runs them, nor does the next one. A model that the end of the pipeline
 * needs again is loaded again then.
 */
export function idleParts(job: AcceptedJob): (standOf: (stage: Stage) => StageStand) => Digest[] {
  const nodes = nodesOf(job).filter(({ models }) => Object.keys(models).length > 0);
  const partsOf = new Map<Stage, Set<Digest>>();
  for (const { stage, models } of nodes) {
    partsOf.set(stage, new Set([...(partsOf.get(stage) ?? []), ...Object.values(models)]));
  }
  let inUse = new Set<Digest>();
  return (standOf) => {
    const next = [...partsOf.keys()].find((stage) => standOf(stage) === 'ahead');
    const before = inUse;
    inUse = new Set(
      [...partsOf]
        .filter(([stage]) => stage === next || standOf(stage) === 'begun')
        .flatMap(([, parts]) => [...parts]),
    );
    return [...before].filter((digest) => !inUse.has(digest));
  };
}
