import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import type { RetryAdvice } from '../../../../common/errors.ts';
import {
  DEFAULT_FAILURE_POLICY,
  decideAfterFailure,
  excludedWorkers,
  isStoreFull,
} from '../../../../coordinator/domain/failure-policy.ts';

const policy = {
  ...DEFAULT_FAILURE_POLICY,
  attemptsMax: 3,
  retryDelayMs: 100,
  retryDelayMaxMs: 150,
};
const failure = (code: ConstructorParameters<typeof BivdiffError>[0]) =>
  new BivdiffError(code, 'it broke').toJSON();

describe('decideAfterFailure', () => {
  it('fails at once where no other attempt can help', () => {
    expect(decideAfterFailure(failure('invalid-argument'), 1, policy)).toEqual({ kind: 'fail' });
  });

  it('tries a passing cause again on the same worker, later each time', () => {
    expect(decideAfterFailure(failure('resource-exhausted'), 1, policy)).toEqual({
      kind: 'retry',
      delayMs: 100,
      excludeWorker: false,
    });
    expect(decideAfterFailure(failure('resource-exhausted'), 2, policy)).toMatchObject({
      delayMs: 150,
    });
  });

  it('tries a defect elsewhere', () => {
    expect(decideAfterFailure(failure('internal'), 1, policy)).toMatchObject({
      excludeWorker: true,
    });
  });

  it('makes a lost input again', () => {
    const details = { lostTasks: ['a task'] };
    const lost = new BivdiffError('data-loss', 'an input is gone', { details }).toJSON();
    expect(decideAfterFailure(lost, 1, policy)).toEqual({ kind: 'heal' });
  });

  it('tries again where what is lost is no input: a disk failed, or a checkpoint was damaged', () => {
    const retry = 'other-worker';
    const failed = new BivdiffError('data-loss', 'the disk fails', { retry }).toJSON();
    expect(decideAfterFailure(failed, 1, policy)).toMatchObject({ excludeWorker: true });
    expect(decideAfterFailure(failure('data-loss'), 1, policy)).toMatchObject({ kind: 'retry' });
  });

  it('fails when the attempts are used up', () => {
    expect(decideAfterFailure(failure('unavailable'), 3, policy)).toEqual({ kind: 'fail' });
  });

  it('waits for room in a full store without end, and not longer each time without end', () => {
    const full = storeFull().toJSON();
    for (const attempt of [3, 50, 10_000]) {
      expect(decideAfterFailure(full, attempt, policy)).toEqual({
        kind: 'retry',
        delayMs: policy.retryDelayMaxMs,
        excludeWorker: false,
      });
    }
  });
});

describe('excludedWorkers', () => {
  const there = new Set(['a', 'b', 'c']);

  it.each([
    ['nobody', [], [], []],
    ['who failed it and who is set aside', ['a'], ['b'], ['a', 'b']],
    ['only who failed it, where nobody else would be left', ['a'], ['b', 'c'], ['a']],
    ['nobody, where all have failed it', ['a', 'b', 'c'], [], []],
    ['nobody, where all that did not fail it are gone', ['a', 'b', 'c', 'gone'], ['b'], []],
    ['nobody, where all are set aside', [], ['a', 'b', 'c'], []],
  ] as const)('names %s', (_, failed, setAside, expected) => {
    expect(excludedWorkers({ failed, setAside, there })).toEqual(expected);
  });
});

describe('isStoreFull', () => {
  it('tells a full store from a full worker, and from what no room can help', () => {
    expect(isStoreFull(storeFull().toJSON())).toBe(true);
    expect(isStoreFull(failure('resource-exhausted'))).toBe(false);
    expect(isStoreFull(storeFull('never').toJSON())).toBe(false);
    expect(isStoreFull(storeFull('other-worker').toJSON())).toBe(false);
  });
});

function storeFull(retry: RetryAdvice = 'same-worker'): BivdiffError {
  const details = { store: '/store', neededBytes: 1_000 };
  return new BivdiffError('resource-exhausted', 'the disk is full', { retry, details });
}
