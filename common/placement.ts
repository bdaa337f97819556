// Which queue a task goes to, and which queues a worker pulls from. Coordinator and workers agree here.

import { digestText } from './digest.ts';
import { STAGE_FACTS } from './stage-facts.ts';
import type { NumericsClasses } from './stage-facts.ts';
import { STAGES } from './task.ts';
import type { Pool, Stage } from './task.ts';

/** Queues have names of two parts; a class is too long for one, and its digest's first digits tell classes apart. */
const CLASS_DIGITS = 8;
/** A farm has a handful of classes, and asks for them with every task. */
const keys = new Map<string, string>();

/**
 * The placement key of a task: pool, stage and numerics class. Only workers of that class pull from it, since on others the bits would not
 * be the same.
 */
export function queueOfStage(stage: Stage, numericsClass: string): string {
  let key = keys.get(numericsClass);
  if (key === undefined) {
    key = digestText(numericsClass).slice(0, CLASS_DIGITS);
    keys.set(numericsClass, key);
  }
  return `${STAGE_FACTS[stage].pool}.${stage}-${key}`;
}

/**
 * The queues of a worker with these pools and classes, furthest down the pipeline first: what is begun is finished before more is
 * begun.
 */
export function queuesOfWorker(
  pools: readonly Pool[],
  classes: NumericsClasses,
): readonly string[] {
  return STAGES.filter((stage) => {
    const { pool } = STAGE_FACTS[stage];
    return pool === 'any' || pools.includes(pool);
  })
    .toReversed()
    .map((stage) => queueOfStage(stage, classes[STAGE_FACTS[stage].numerics]));
}
