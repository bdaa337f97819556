import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../common/errors.ts';

describe('BivdiffError', () => {
  it('crosses the wire with its causes, ours and others', () => {
    const disk = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    const error = new BivdiffError('data-loss', 'writing failed', {
      hint: 'Free some space.',
      details: { bytes: 12 },
      cause: new BivdiffError('unavailable', 'the store is away', { cause: disk }),
    });
    const back = BivdiffError.fromJSON(JSON.parse(JSON.stringify(error)) as never);
    expect(back).toMatchObject({
      code: 'data-loss',
      message: 'writing failed',
      hint: 'Free some space.',
      details: { bytes: 12 },
      cause: {
        code: 'unavailable',
        cause: { code: 'resource-exhausted', message: 'no space left' },
      },
    });
  });

  it.each([
    ['ENOENT', 'not-found'],
    ['EACCES', 'permission-denied'],
    ['ENOSPC', 'resource-exhausted'],
    ['EOTHER', 'internal'],
  ])('takes the system error %s as %s', (errno, code) => {
    expect(BivdiffError.from(Object.assign(new Error('x'), { code: errno })).code).toBe(code);
  });

  it('takes an abort as cancelled', () => {
    expect(BivdiffError.from(AbortSignal.abort().reason).code).toBe('cancelled');
  });

  it('serialises an error made from a foreign one', () => {
    expect(BivdiffError.from(new TypeError('x')).toJSON()).toMatchObject({ code: 'internal' });
  });
});
