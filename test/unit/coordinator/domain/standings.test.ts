// When a worker is set aside for a stage: by table of what was reported.

import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import type { ErrorCode } from '../../../../common/errors.ts';
import type { Stage, TaskId } from '../../../../common/task.ts';
import { Standings } from '../../../../coordinator/domain/standings.ts';

const MINUTE = 60_000;
const policy = { setAsideFailures: 3, setAsideMs: 5 * MINUTE };

function fail(
  standings: Standings,
  {
    worker = 'bad',
    stage = 'smooth' as Stage,
    task = 't',
    code = 'internal' as ErrorCode,
    atMs = 0,
  },
): boolean {
  const failure = new BivdiffError(code, 'it broke').toJSON();
  return standings.failed({ worker, stage, taskId: task as TaskId, failure }, atMs);
}

const failRow = (standings: Standings, tasks: readonly string[], atMs = 0): readonly boolean[] =>
  tasks.map((task) => fail(standings, { task, atMs }));

describe('Standings', () => {
  it('sets aside a worker that fails three tasks of a stage in a row, while another succeeds', () => {
    const standings = new Standings(policy);
    standings.succeeded('good', 'smooth', 0);
    expect(failRow(standings, ['a', 'b', 'c'])).toEqual([false, false, true]);
    expect(standings.setAside('smooth', 1)).toEqual(['bad']);
    expect(standings.setAside('generate', 1)).toEqual([]);
    expect(standings.stagesWithout('bad', 1)).toEqual(['smooth']);
  });

  it('takes it back after a while, and counts anew', () => {
    const standings = new Standings(policy);
    standings.succeeded('good', 'smooth', 0);
    failRow(standings, ['a', 'b', 'c']);
    const laterMs = policy.setAsideMs;
    expect(standings.setAside('smooth', laterMs - 1)).toEqual(['bad']);
    expect(standings.setAside('smooth', laterMs)).toEqual([]);
    standings.succeeded('good', 'smooth', laterMs);
    expect(failRow(standings, ['d', 'e', 'f'], laterMs)).toEqual([false, false, true]);
  });

  it('stays set aside though what it had begun ends well', () => {
    const standings = new Standings(policy);
    standings.succeeded('good', 'smooth', 0);
    failRow(standings, ['a', 'b', 'c']);
    standings.succeeded('bad', 'smooth', 1);
    expect(standings.setAside('smooth', 2)).toEqual(['bad']);
  });

  it('blames nobody where nobody else succeeds', () => {
    const standings = new Standings(policy);
    standings.succeeded('bad', 'smooth', 0);
    expect(failRow(standings, ['a', 'b', 'c', 'd'])).not.toContain(true);
    standings.succeeded('good', 'generate', 0);
    expect(fail(standings, { task: 'e' })).toBe(false);
    standings.succeeded('good', 'smooth', 0);
    expect(fail(standings, { task: 'f' })).toBe(true);
  });

  it('begins a new row after a success, and after a long time', () => {
    const standings = new Standings(policy);
    standings.succeeded('good', 'smooth', 0);
    failRow(standings, ['a', 'b']);
    standings.succeeded('bad', 'smooth', 1);
    expect(failRow(standings, ['c', 'd'], 2)).toEqual([false, false]);
    standings.succeeded('good', 'smooth', 6 * MINUTE);
    expect(fail(standings, { task: 'e', atMs: 6 * MINUTE })).toBe(false);
  });

  it.each([
    ['one task, tried again and again', ['a', 'a', 'a'], 'internal'],
    ['jobs that no worker can do', ['a', 'b', 'c'], 'invalid-argument'],
    ['inputs that the store has lost', ['a', 'b', 'c'], 'data-loss'],
    ['tasks that were stopped', ['a', 'b', 'c'], 'cancelled'],
  ] as const)('does not count %s', (_, tasks, code) => {
    const standings = new Standings(policy);
    standings.succeeded('good', 'smooth', 0);
    for (const task of tasks) expect(fail(standings, { task, code })).toBe(false);
    expect(standings.setAside('smooth', 1)).toEqual([]);
  });
});
