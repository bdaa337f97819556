// What a job believes of attempts when reports come twice, or late.

import { describe, expect, it } from 'vitest';

import type { WorkerEvent } from '../../../../common/bus/ports.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import type { ErrorCode } from '../../../../common/errors.ts';
import type { TaskId } from '../../../../common/task.ts';
import { Attempts } from '../../../../coordinator/run/attempts.ts';

const TASK = 0;
const taskId = 'task' as TaskId;

const started = (worker: string, attempt = 1, doneSteps = 0): WorkerEvent => ({
  ...{ kind: 'started', taskId, worker, attempt, slot: 0, stage: 'mix', doneSteps },
});
const failed = (worker: string, attempt = 1, code: ErrorCode = 'internal'): WorkerEvent => ({
  ...{ kind: 'failed', taskId, worker, attempt },
  failure: new BivdiffError(code, 'no').toJSON(),
});
const diverged = (worker: string): WorkerEvent => ({
  ...{ kind: 'diverged', taskId, worker, otherWorker: 'other', stage: 'mix' },
});

/** Which of these events are news, each taken in as a job does. */
function newsIn(events: readonly WorkerEvent[]): readonly boolean[] {
  const attempts = new Attempts(1);
  return events.map((event) => {
    if (attempts.isToldAgain(TASK, event)) return false;
    if (event.kind === 'started') attempts.begun(taskId, event.worker, event.doneSteps);
    if (event.kind === 'failed') attempts.ended(taskId, event.worker);
    return true;
  });
}

describe('a report', () => {
  it.each([
    ['of a beginning, twice', [started('a'), started('a')], [true, false]],
    ['of two beginnings', [started('a'), started('b')], [true, true]],
    [
      'of a beginning further on, by a worker that has begun anew',
      [started('a'), started('a', 1, 5), started('a', 1, 5)],
      [true, true, false],
    ],
    ['of a failure, twice', [started('a'), failed('a'), failed('a')], [true, true, false]],
    [
      'of a beginning, after word of how it failed',
      [started('a'), failed('a'), started('a'), started('a', 2)],
      [true, true, false, true],
    ],
    [
      'of a failure, while the next attempt runs there',
      [started('a'), failed('a'), started('a', 2), failed('a'), failed('a', 2)],
      [true, true, true, false, true],
    ],
    [
      'of being stopped, and beginning again',
      [started('a'), failed('a', 1, 'cancelled'), started('a'), failed('a', 1, 'cancelled')],
      [true, true, true, true],
    ],
    ['of other bytes, twice', [diverged('a'), diverged('a'), diverged('b')], [true, false, true]],
  ])('%s', (_, events, news) => {
    expect(newsIn(events)).toEqual(news);
  });
});
