import { describe, expect, it } from 'vitest';

import { Stragglers } from '../../../../coordinator/domain/stragglers.ts';

const POLICY = { copyFactor: 1.5, copyAfterMs: 10_000, copyResultsMin: 3 };

/** Tasks below 10 are of `generate`, others of `smooth`; task 1 is twice the work of others. */
const create = (): Stragglers =>
  new Stragglers({
    policy: POLICY,
    stageOf: (task) => (task < 10 ? 'generate' : 'smooth'),
    unitsOf: (task) => (task === 1 ? 2 : 1),
  });

const withResults = (...seconds: number[]): Stragglers => {
  const stragglers = create();
  for (const one of seconds) stragglers.finished(2, one);
  return stragglers;
};

describe('stragglers', () => {
  it('are the tasks that take longer than others of their stage did, by a factor, longest first', () => {
    const stragglers = withResults(20, 20, 20);
    stragglers.begun(3, 'w1', 5_000);
    stragglers.begun(4, 'w2', 0);
    expect(stragglers.slow(30_000)).toEqual([]);
    expect(stragglers.slow(30_001)).toMatchObject([{ task: 4, worker: 'w2' }]);
    expect(stragglers.slow(40_000).map(({ task }) => task)).toEqual([4, 3]);
  });

  it('may take as much longer as they are larger', () => {
    const stragglers = withResults(20, 20, 20);
    stragglers.begun(1, 'w', 0);
    expect(stragglers.slow(60_000)).toEqual([]);
    expect(stragglers.slow(60_001)).toHaveLength(1);
  });

  it('are not known before there are results of their own stage to compare with', () => {
    const stragglers = withResults(20, 20);
    stragglers.begun(3, 'w', 0);
    stragglers.begun(12, 'w', 0);
    expect(stragglers.slow(1e9)).toEqual([]);
    stragglers.finished(2, 20);
    expect(stragglers.slow(1e9).map(({ task }) => task)).toEqual([3]);
  });

  it('are compared with what is usual, not with the mean', () => {
    const stragglers = withResults(20, 20, 1_000, 20, 20);
    stragglers.begun(3, 'w', 0);
    expect(stragglers.slow(31_000)).toHaveLength(1);
  });

  it('have run for a while, however short others were', () => {
    const stragglers = withResults(1, 1, 1);
    stragglers.begun(3, 'w', 0);
    expect(stragglers.slow(9_999)).toEqual([]);
    expect(stragglers.slow(10_000)).toHaveLength(1);
  });

  it('are those that run now: each begin counts anew, and one that is over is none', () => {
    const stragglers = withResults(10, 10, 10);
    stragglers.begun(3, 'w1', 0);
    stragglers.begun(3, 'w2', 20_000);
    expect(stragglers.slow(30_000)).toEqual([]);
    expect(stragglers.slow(36_000)).toMatchObject([{ worker: 'w2' }]);
    stragglers.over(3);
    expect(stragglers.slow(36_000)).toEqual([]);
  });
});
