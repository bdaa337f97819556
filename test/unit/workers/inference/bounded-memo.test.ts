import { describe, expect, it } from 'vitest';

import { BoundedMemo } from '../../../../workers/inference/lanes/bounded-memo.ts';

function memoOf(entriesMax: number) {
  const memo = new BoundedMemo<string>(entriesMax);
  const made: string[] = [];
  const get = async (key: string): Promise<string> => {
    return memo.get(key, async () => {
      made.push(key);
      return Promise.resolve(key.toUpperCase());
    });
  };
  return { memo, made, get };
}

describe('a bounded memo', () => {
  it('makes each result once', async () => {
    const { made, get } = memoOf(2);
    expect([await get('a'), await get('a')]).toEqual(['A', 'A']);
    expect(made).toEqual(['a']);
  });

  it('makes a result once for two calls at one time', async () => {
    const { made, get } = memoOf(2);
    expect(await Promise.all([get('a'), get('a')])).toEqual(['A', 'A']);
    expect(made).toEqual(['a']);
  });

  it('drops the least recently used when it is full', async () => {
    const { memo, made, get } = memoOf(2);
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await get(key);
    expect(made).toEqual(['a', 'b', 'c', 'b']);
    expect(memo.size).toBe(2);
  });

  it('keeps no failure', async () => {
    const memo = new BoundedMemo<string>(2);
    await expect(memo.get('a', () => Promise.reject(new RangeError('no')))).rejects.toThrow('no');
    expect(memo.size).toBe(0);
    expect(await memo.get('a', () => Promise.resolve('yes'))).toBe('yes');
  });
});
