// Which workers have the models of a task loaded, and so how long it is worth leaving it to them. A worker that would have to load any asks.

import { STAGE_FACTS } from '../../common/stage-facts.ts';
import type { Digest } from '../../common/task.ts';
import type { LoadingQuestion, WorkerStatus } from '../../common/worker-status.ts';

/**
 * Milliseconds that loading takes at the worker that asks and would not take at another that has all of the task's models that are loaded
 * there, and more; `others` are those of the task's pool that get work. 0 if there is none, or if it is busy and the worker that asks has nothing loaded that would have to make room.
 */
export function costOfLoading(question: LoadingQuestion, others: Iterable<WorkerStatus>): number {
  const hasNothing = question.loaded.length === 0;
  const loaded = new Set(question.loaded);
  let costMs = 0;
  for (const status of others) {
    if (mayTake(status, question) && !(hasNothing && isBusy(status)))
      costMs = Math.max(costMs, msSaved(question.models, loaded, status.loaded ?? {}));
  }
  return costMs;
}

function mayTake(status: WorkerStatus, question: LoadingQuestion): boolean {
  const { numerics } = STAGE_FACTS[question.stage];
  return (
    status.name !== question.worker &&
    status.numerics[numerics] === question.numericsClass &&
    status.memoryBytes >= question.memoryBytes &&
    !question.excludedWorkers.includes(status.name)
  );
}

function isBusy({ running, slots }: WorkerStatus): boolean {
  return running.length >= slots;
}

/** What loading took there of the models that are loaded there and not here. */
function msSaved(
  models: readonly Digest[],
  own: ReadonlySet<Digest>,
  theirs: NonNullable<WorkerStatus['loaded']>,
): number {
  let savedMs = 0;
  for (const digest of new Set(models)) {
    if (own.has(digest) && theirs[digest] === undefined) return 0;
    if (!own.has(digest)) savedMs += theirs[digest] ?? 0;
  }
  return savedMs;
}
