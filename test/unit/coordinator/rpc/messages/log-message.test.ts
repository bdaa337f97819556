import { describe, expect, it } from 'vitest';

import type { TaskId } from '../../../../../common/task.ts';
import {
  inTime,
  lineOfEntry,
  lineOfEvent,
} from '../../../../../coordinator/rpc/messages/log-message.ts';

const event = (atMs: number, order: number, kind: 'begun' | 'failed') =>
  ({
    atMs,
    order,
    kind,
    taskId: 'aa' as TaskId,
    stage: 'decode',
    frames: [5, 5],
    worker: 'w',
  }) as const;
const line = (...of: Parameters<typeof event>) => lineOfEvent(event(...of));
const FAILURE = { code: 'invalid-argument', message: 'no', retry: 'never', details: {} } as const;

describe('the line of an event', () => {
  it.each([
    [1, 'decode of frame 5 begun by w'],
    [2, 'decode of frame 5 begun by w, attempt 2'],
  ])('of attempt %i is "%s"', (attempt, message) => {
    expect(lineOfEvent({ ...event(0, 0, 'begun'), attempt }).message).toBe(message);
  });
});

describe('the lines of a job', () => {
  it('of one millisecond say first what a task did, then what followed for the job', () => {
    const entries = [
      lineOfEntry({ atMs: 7, kind: 'submitted', name: '', priority: 50 }),
      lineOfEntry({ atMs: 7, kind: 'failed', failure: FAILURE }),
    ];
    const lines = inTime(entries, [line(7, 0, 'begun'), line(7, 1, 'failed')]);
    expect(lines.map(({ kind }) => kind)).toEqual([
      ...['submitted', 'task-begun', 'task-failed', 'failed'],
    ]);
  });

  it('stand by time, whatever they are', () => {
    const entries = [
      lineOfEntry({ atMs: 1, kind: 'submitted', name: '', priority: 50 }),
      lineOfEntry({ atMs: 3, kind: 'failed', failure: FAILURE }),
      lineOfEntry({ atMs: 5, kind: 'resumed' }),
    ];
    const lines = inTime(entries, [line(2, 0, 'failed'), line(4, 1, 'begun'), line(6, 2, 'begun')]);
    expect(lines.map(({ atMs }) => atMs)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
