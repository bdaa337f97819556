// What fault tests hold against a farm: which starts of tasks a blow explains, and which nothing does.

import { describe, expect, it } from 'vitest';

import type { ResultFacts } from '../../../common/bus/ports.ts';
import { BivdiffError } from '../../../common/errors.ts';
import type { TaskId } from '../../../common/task.ts';
import { unexplainedStarts } from '../../support/farm/history/extra-starts.ts';
import type { Blow, SeenEvent } from '../../support/farm/history/extra-starts.ts';

const T = 'task-one' as TaskId;
const U = 'task-two' as TaskId;

const started = (seenMs: number, worker: string, taskId = T, attempt = 1): SeenEvent => ({
  ...{ kind: 'started', seenMs, worker, taskId, attempt, slot: 0, stage: 'mix' },
});
const committed = (seenMs: number, worker: string, taskId = T): SeenEvent => ({
  ...{ kind: 'committed', seenMs, worker, taskId, attempt: 1, result: {} as ResultFacts },
});
const failed = (seenMs: number, worker: string, lostTasks: readonly TaskId[] = []): SeenEvent => ({
  ...{ kind: 'failed', seenMs, worker, taskId: U, attempt: 1 },
  failure: new BivdiffError('data-loss', 'gone', { details: { lostTasks } }).toJSON(),
});
const loses = (atMs: number, worker?: string): Blow => ({
  ...{ kind: 'loses', atMs, ...(worker !== undefined && { worker }) },
});

describe('starts that a blow explains', () => {
  it.each([
    ['none', [started(1, 'a'), started(2, 'a'), committed(3, 'a')], []],
    ['its worker died', [started(1, 'a'), started(9, 'b'), committed(10, 'b')], [loses(5, 'a')]],
    ['all messages were lost', [started(1, 'a'), started(9, 'b'), committed(10, 'a')], [loses(5)]],
    [
      'it was at hand, and began late on whom the blow hit',
      [started(1, 'a', U), started(6, 'b'), committed(7, 'b'), started(9, 'a'), committed(10, 'a')],
      [loses(5, 'a')],
    ],
    ['its worker failed it', [started(1, 'a', U), failed(2, 'a'), started(3, 'b', U)], []],
    [
      'who read its result found none',
      [started(1, 'a'), committed(2, 'a'), failed(4, 'b', [T]), started(5, 'a')],
      [],
    ],
    [
      'its result was damaged',
      [started(1, 'a'), committed(2, 'a'), started(5, 'b')],
      [{ kind: 'damages', atMs: 3, taskId: T }],
    ],
    [
      'its result was damaged, and who made it again failed',
      [
        started(1, 'a', U),
        committed(2, 'a', U),
        started(5, 'b', U),
        failed(6, 'b'),
        started(7, 'b', U),
      ],
      [{ kind: 'damages', atMs: 3, taskId: U }],
    ],
    ['it was slow, and copied', [started(1, 'a'), started(10_002, 'b', T, 2)], []],
  ] as const)('%s', (_, events, blows) => {
    expect(unexplainedStarts(events, blows)).toEqual([]);
  });
});

describe('starts that nothing explains', () => {
  const again = 'mix task-one began again, on b, attempt 1';
  const late = 'mix task-one began after it was committed, on b, attempt 1';
  it.each([
    ['a second holder', [started(1, 'a'), started(2, 'b')], [], again],
    ['a start after a commit', [started(1, 'a'), committed(2, 'a'), started(3, 'b')], [], late],
    ['one whose first start nobody saw', [committed(2, 'a'), started(3, 'b')], [], late],
    ['the blow came later', [started(1, 'a'), started(2, 'b')], [loses(5, 'a')], again],
    ['the blow hit another', [started(1, 'a'), started(9, 'b')], [loses(5, 'c')], again],
    [
      'the blow came when its worker had committed it',
      [started(1, 'a'), committed(2, 'a'), started(9, 'b')],
      [loses(5, 'a')],
      late,
    ],
    [
      'the result was damaged before it was made again',
      [started(1, 'a'), committed(4, 'a'), started(9, 'b')],
      [{ kind: 'damages', atMs: 3, taskId: T }],
      late,
    ],
    [
      'it was lost once, and begun twice',
      [started(1, 'a'), committed(2, 'a'), started(5, 'b'), committed(6, 'b'), started(7, 'b')],
      [{ kind: 'damages', atMs: 3, taskId: T }],
      late,
    ],
    ['another attempt, and it was not slow', [started(1, 'a'), started(9, 'b', T, 2)], [], '2'],
  ] as const)('%s', (_, events, blows, line) => {
    const lines = unexplainedStarts(events, blows);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(line);
  });

  it('one blow explains one start', () => {
    const events = [started(1, 'a'), started(8, 'b'), started(9, 'c'), committed(10, 'c')];
    expect(unexplainedStarts(events, [loses(5, 'a')])).toHaveLength(1);
    expect(unexplainedStarts(events, [loses(5, 'a'), loses(8.5, 'b')])).toEqual([]);
  });

  it('what a worker took long after the blow was not at hand', () => {
    const rest = ['u', 'v', 'w'].map((name, i) => started(6 + i, 'a', name as TaskId));
    const events = [...rest, started(20, 'b'), started(21, 'a'), committed(22, 'a')];
    expect(unexplainedStarts(events, [loses(5, 'a')])).toHaveLength(1);
  });
});
