// Which models a job has done with: a render that is the last one of its process gives their memory back before the next ones are loaded.

import type { Digest, Stage } from '../../common/task.ts';
import { nodesOf } from '../../recipes/job.ts';
import type { AcceptedJob } from '../../recipes/job.ts';

/** Gives the parts that no stage runs any more, each once. `isDone`: of a stage, whether none of its tasks is left. */
export function idleParts(job: AcceptedJob): (isDone: (stage: Stage) => boolean) => Digest[] {
  const stagesOf = new Map<Digest, Set<Stage>>();
  for (const { stage, models } of nodesOf(job)) {
    for (const digest of Object.values(models)) {
      stagesOf.set(digest, (stagesOf.get(digest) ?? new Set()).add(stage));
    }
  }
  return (isDone) => {
    const idle = [...stagesOf].filter(([, stages]) => [...stages].every(isDone));
    for (const [digest] of idle) stagesOf.delete(digest);
    return idle.map(([digest]) => digest);
  };
}
