import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import { exitCodeOf } from '../../../../cli/output/exit-codes.ts';

describe('the exit code', () => {
  it.each([
    ['invalid-argument', 2],
    ['already-exists', 2],
    ['failed-precondition', 2],
    ['internal', 1],
    ['resource-exhausted', 1],
    ['cancelled', 130],
  ] as const)('of %s is %i', (code, exitCode) => {
    expect(exitCodeOf(new BivdiffError(code, 'x'))).toBe(exitCode);
  });
});
