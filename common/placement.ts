// Which queue a task goes to, and which queues a pool of workers pulls from. Coordinator and workers agree here.

import { STAGE_FACTS } from './stages.ts';
import { STAGES } from './task.ts';
import type { Pool, Stage } from './task.ts';

export function queueOfStage(stage: Stage): string {
  return `${STAGE_FACTS[stage].pool}.${stage}`;
}

/** The queues of these pools, furthest down the pipeline first: what is begun is finished before more is begun. */
export function queuesOfPools(pools: readonly Pool[]): readonly string[] {
  return STAGES.filter((stage) => {
    const { pool } = STAGE_FACTS[stage];
    return pool === 'any' || pools.includes(pool);
  })
    .toReversed()
    .map(queueOfStage);
}
