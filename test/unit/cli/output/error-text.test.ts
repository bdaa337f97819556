import { describe, expect, it } from 'vitest';

import { errorJson, errorText } from '../../../../cli/output/error-text.ts';
import { BivdiffError } from '../../../../common/errors.ts';

const PLAIN = { debug: false };

describe('an error as text', () => {
  it('says what went wrong and what to do', () => {
    const error = new BivdiffError('not-found', 'no video at clip.mp4', { hint: 'name another.' });
    expect(errorText(error, PLAIN)).toBe('error: no video at clip.mp4\nhint: name another.\n');
  });

  it('lists several problems one to a line', () => {
    const problems = ['--a is missing', '--b: expected 1 to 2, got 3'];
    const error = new BivdiffError('invalid-argument', problems.join('; '), {
      details: { problems },
    });
    expect(errorText(error, PLAIN)).toBe(
      'error: 2 problems:\n  - --a is missing\n  - --b: expected 1 to 2, got 3\n',
    );
  });

  it('keeps what stands before the problems', () => {
    const problems = ['line 1: x', 'line 2: y'];
    const error = new BivdiffError(
      'invalid-argument',
      `jobs.jsonl: nothing was run: ${problems.join('; ')}`,
      {
        details: { problems },
      },
    );
    expect(errorText(error, PLAIN)).toBe(
      'error: jobs.jsonl: nothing was run:\n  - line 1: x\n  - line 2: y\n',
    );
  });

  it('names causes that add something, one line each, and no stack', () => {
    const bottom = new TypeError('bad magic number\nsecond line');
    const middle = new BivdiffError('data-loss', 'artifact 12ab is damaged', { cause: bottom });
    const error = new BivdiffError(
      'failed-precondition',
      'smooth failed: artifact 12ab is damaged',
      {
        hint: 'run it again.',
        cause: middle,
      },
    );
    expect(errorText(error, PLAIN)).toBe(
      'error: smooth failed: artifact 12ab is damaged\nhint: run it again.\n  because: bad magic number\n',
    );
  });

  it('shows stacks when asked', () => {
    const error = new BivdiffError('internal', 'NaN from image/unet');
    expect(errorText(error, { debug: true })).toContain('    at ');
  });

  it('is no error when it was asked to stop', () => {
    const error = new BivdiffError('cancelled', 'stopped; 3 tasks are in the store', {
      cause: new Error('aborted'),
    });
    expect(errorText(error, PLAIN)).toBe('stopped; 3 tasks are in the store\n');
  });
});

describe('an error as JSON', () => {
  it('has code, message, hint and the causes', () => {
    const error = new BivdiffError('resource-exhausted', 'cannot write out.mp4', {
      cause: new Error('ENOSPC'),
      hint: 'make room.',
    });
    expect(errorJson(error)).toEqual({
      error: {
        code: 'resource-exhausted',
        message: 'cannot write out.mp4',
        retry: 'same-worker',
        details: {},
        hint: 'make room.',
        causes: ['ENOSPC'],
      },
    });
  });
});
