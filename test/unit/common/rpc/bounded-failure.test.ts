// Goal: a failure keeps to its size, and loses what matters least first.

import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import { boundedFailure, cutText } from '../../../../common/rpc/bounded-failure.ts';

const MAX = 1_000;
const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

describe('a bounded failure', () => {
  const details = { problems: ['p'.repeat(400)] };
  const hint = 'Try this.';

  it('is as it was if it fits', () => {
    const cause = new BivdiffError('not-found', 'no file');
    const failure = new BivdiffError('internal', 'broken', { details, hint, cause }).toJSON();
    expect(boundedFailure(failure, MAX)).toEqual(failure);
  });

  it('loses causes, then details, then the ends of message and hint', () => {
    const cause = new BivdiffError('not-found', 'c'.repeat(900));
    const withCause = new BivdiffError('internal', 'broken', { details, hint, cause }).toJSON();
    expect(boundedFailure(withCause, MAX)).toMatchObject({ message: 'broken', details, hint });
    expect(boundedFailure(withCause, MAX).cause).toBeUndefined();
    const withDetails = new BivdiffError('internal', 'm'.repeat(500), { details, hint }).toJSON();
    expect(boundedFailure(withDetails, MAX)).toMatchObject({ message: 'm'.repeat(500), hint });
    expect(boundedFailure(withDetails, MAX).details).toEqual({});
    for (const letter of ['m', 'ü', '🎞', '\u0001', '\ud83c', '"']) {
      const text = letter.repeat(5_000);
      const long = new BivdiffError('internal', text, { details, hint: text }).toJSON();
      const bounded = boundedFailure(long, MAX);
      expect(sizeOf(bounded)).toBeLessThanOrEqual(MAX);
      expect(bounded.message).toMatch(/.{50,} \.\.\.$/su);
      expect(bounded).toMatchObject({ code: 'internal', retry: 'other-worker' });
    }
  });
});

describe('a cut text', () => {
  it('costs as much as it may and no more, and never ends in half a character', () => {
    const bytes = (character: string): number => Buffer.byteLength(character);
    expect(cutText('abcdef', 6, bytes)).toBe('abcdef');
    expect(cutText('abcdefg', 6, bytes)).toBe('ab ...');
    expect(cutText('🎞🎞🎞', 10, bytes)).toBe('🎞 ...');
    expect(cutText('', 0, bytes)).toBe('');
  });
});
