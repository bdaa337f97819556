// The errors that a job fails with, as its user reads them: which stage, which frames, how often it was tried, and why. And what an attempt
// found lost.

import { BivdiffError } from '../../common/errors.ts';
import type { FailureJson } from '../../common/errors.ts';
import type { TaskId } from '../../common/task.ts';
import type { TaskGraph, TaskNumber } from '../domain/task-graph.ts';

/** A task has failed for good. */
export function taskFailure(
  graph: TaskGraph,
  task: TaskNumber,
  { failure, attempts }: { readonly failure: FailureJson; readonly attempts: number },
): BivdiffError {
  const tried = attempts === 1 ? '' : ` (tried ${attempts} times)`;
  const cause = BivdiffError.fromJSON(failure);
  const message = `${placeOf(graph, task)} failed${tried}: ${cause.message}`;
  return new BivdiffError(cause.code, message, {
    retry: cause.retry,
    cause,
    details: cause.details,
    ...(cause.hint === undefined ? {} : { hint: cause.hint }),
  });
}

/** A task has taken too many workers with it. */
export function lostWorkersFailure(
  graph: TaskGraph,
  task: TaskNumber,
  workers: readonly string[],
): BivdiffError {
  const taskId = graph.plan.id(graph.ref(task));
  return new BivdiffError(
    'internal',
    `${placeOf(graph, task)} has taken ${workers.length} workers with it: each was lost while it ran the task`,
    {
      retry: 'never',
      details: { taskId, workers },
      hint: 'The logs of these workers say how they ended; out of memory is the likely cause.',
    },
  );
}

/** What the task reads that an attempt at it found to be gone. */
export function lostInputs(
  graph: TaskGraph,
  task: TaskNumber,
  { details }: FailureJson,
): TaskNumber[] {
  const lost = new Set(details['lostTasks'] as readonly TaskId[] | undefined);
  return [...graph.dependencies(task)].filter((read) => lost.has(graph.plan.id(graph.ref(read))));
}

function placeOf(graph: TaskGraph, task: TaskNumber): string {
  const ref = graph.ref(task);
  const { frames, stage } = graph.plan.task(ref);
  const last = frames.at(-1);
  const range = frames.length === 1 ? `frame ${last}` : `frames ${frames[0]} to ${last}`;
  return `${stage} of ${range}`;
}
