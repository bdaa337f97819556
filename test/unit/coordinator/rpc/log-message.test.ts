import { describe, expect, it } from 'vitest';

import type { TaskId } from '../../../../common/task.ts';
import { inTime, lineOfEntry, lineOfEvent } from '../../../../coordinator/rpc/log-message.ts';

const event = (atMs: number, order: number, kind: 'begun' | 'failed') =>
  lineOfEvent({
    atMs,
    order,
    kind,
    taskId: 'aa' as TaskId,
    stage: 'decode',
    frames: [5, 5],
    worker: 'w',
  });
const FAILURE = { code: 'invalid-argument', message: 'no', retry: 'never', details: {} } as const;

describe('the lines of a job', () => {
  it('of one millisecond say first what a task did, then what followed for the job', () => {
    const entries = [
      lineOfEntry({ atMs: 7, kind: 'submitted', name: '', priority: 50 }),
      lineOfEntry({ atMs: 7, kind: 'failed', failure: FAILURE }),
    ];
    const lines = inTime(entries, [event(7, 0, 'begun'), event(7, 1, 'failed')]);
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
    const lines = inTime(entries, [
      event(2, 0, 'failed'),
      event(4, 1, 'begun'),
      event(6, 2, 'begun'),
    ]);
    expect(lines.map(({ atMs }) => atMs)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
