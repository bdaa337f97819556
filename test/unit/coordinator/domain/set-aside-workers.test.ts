// When a worker is set aside for a stage: by table of what was reported.

import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import type { ErrorCode } from '../../../../common/errors.ts';
import type { Stage, TaskId } from '../../../../common/task.ts';
import { SetAsideWorkers } from '../../../../coordinator/domain/set-aside-workers.ts';

const MINUTE = 60_000;
const policy = { setAsideFailures: 3, setAsideMs: 5 * MINUTE };

function fail(
  workers: SetAsideWorkers,
  {
    worker = 'bad',
    stage = 'smooth' as Stage,
    task = 't',
    code = 'internal' as ErrorCode,
    atMs = 0,
  },
): boolean {
  const failure = new BivdiffError(code, 'it broke').toJSON();
  return workers.failed({ worker, stage, taskId: task as TaskId, failure }, atMs);
}

const failRow = (
  workers: SetAsideWorkers,
  tasks: readonly string[],
  atMs = 0,
): readonly boolean[] => tasks.map((task) => fail(workers, { task, atMs }));

describe('SetAsideWorkers', () => {
  it('sets aside a worker that fails three tasks of a stage in a row, while another succeeds', () => {
    const workers = new SetAsideWorkers(policy);
    workers.succeeded('good', 'smooth', 0);
    expect(failRow(workers, ['a', 'b', 'c'])).toEqual([false, false, true]);
    expect(workers.setAside('smooth', 1)).toEqual(['bad']);
    expect(workers.setAside('generate', 1)).toEqual([]);
    expect(workers.stagesWithout('bad', 1)).toEqual(['smooth']);
  });

  it('takes it back after a while, and counts anew', () => {
    const workers = new SetAsideWorkers(policy);
    workers.succeeded('good', 'smooth', 0);
    failRow(workers, ['a', 'b', 'c']);
    const laterMs = policy.setAsideMs;
    expect(workers.setAside('smooth', laterMs - 1)).toEqual(['bad']);
    expect(workers.setAside('smooth', laterMs)).toEqual([]);
    workers.succeeded('good', 'smooth', laterMs);
    expect(failRow(workers, ['d', 'e', 'f'], laterMs)).toEqual([false, false, true]);
  });

  it('stays set aside though what it had begun ends well', () => {
    const workers = new SetAsideWorkers(policy);
    workers.succeeded('good', 'smooth', 0);
    failRow(workers, ['a', 'b', 'c']);
    workers.succeeded('bad', 'smooth', 1);
    expect(workers.setAside('smooth', 2)).toEqual(['bad']);
  });

  it('blames nobody where nobody else succeeds', () => {
    const workers = new SetAsideWorkers(policy);
    workers.succeeded('bad', 'smooth', 0);
    expect(failRow(workers, ['a', 'b', 'c', 'd'])).not.toContain(true);
    workers.succeeded('good', 'generate', 0);
    expect(fail(workers, { task: 'e' })).toBe(false);
    workers.succeeded('good', 'smooth', 0);
    expect(fail(workers, { task: 'f' })).toBe(true);
  });

  it('begins a new row after a success, and after a long time', () => {
    const workers = new SetAsideWorkers(policy);
    workers.succeeded('good', 'smooth', 0);
    failRow(workers, ['a', 'b']);
    workers.succeeded('bad', 'smooth', 1);
    expect(failRow(workers, ['c', 'd'], 2)).toEqual([false, false]);
    workers.succeeded('good', 'smooth', 6 * MINUTE);
    expect(fail(workers, { task: 'e', atMs: 6 * MINUTE })).toBe(false);
  });

  it.each([
    ['one task, tried again and again', ['a', 'a', 'a'], 'internal'],
    ['jobs that no worker can do', ['a', 'b', 'c'], 'invalid-argument'],
    ['inputs that the store has lost', ['a', 'b', 'c'], 'data-loss'],
    ['tasks that were stopped', ['a', 'b', 'c'], 'cancelled'],
  ] as const)('does not count %s', (_, tasks, code) => {
    const workers = new SetAsideWorkers(policy);
    workers.succeeded('good', 'smooth', 0);
    for (const task of tasks) expect(fail(workers, { task, code })).toBe(false);
    expect(workers.setAside('smooth', 1)).toEqual([]);
  });
});
