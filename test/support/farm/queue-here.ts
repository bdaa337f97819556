// Which queue this machine's workers take a stage's tasks from.

import { queueOfStage } from '../../../common/placement.ts';
import { STAGE_FACTS } from '../../../common/stage-facts.ts';
import type { Stage } from '../../../common/task.ts';
import { ownClasses } from '../../../workers/own-classes.ts';

export function queueHere(stage: Stage): string {
  return queueOfStage(stage, ownClasses()[STAGE_FACTS[stage].numerics]);
}
