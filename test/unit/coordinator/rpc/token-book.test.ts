import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import { createToken, parseTokens } from '../../../../coordinator/rpc/access/token-book.ts';

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

function problemsOf(text: string): readonly string[] {
  try {
    parseTokens(text, 'tokens.yaml');
  } catch (reason) {
    const error = BivdiffError.from(reason);
    expect(error.code).toBe('invalid-argument');
    return error.details['problems'] as readonly string[];
  }
  return [];
}

describe('a tokens file', () => {
  it('gives each token its owner, with all that its roles include', () => {
    const text = `
tokens:
  - { sha256: ${hashOf('a')}, owner: alice, roles: [submit], weight: 2, quota: 8 }
  - { sha256: ${hashOf('b')}, owner: bob, roles: [read, worker], priorityMax: 80 }
`;
    const book = parseTokens(text, 'tokens.yaml');
    expect(book.callerOf('a')?.owner).toBe('alice');
    expect([...book.callerOf('a')!.roles].sort()).toEqual(['read', 'submit']);
    expect([...book.callerOf('b')!.roles].sort()).toEqual(['read', 'worker']);
    expect(['a', 'b'].map((token) => book.callerOf(token)?.priorityMax)).toEqual([50, 80]);
    expect(book.callerOf('c')).toBeUndefined();
    expect(book.callerOf('')).toBeUndefined();
    // The hash itself is no token.
    expect(book.callerOf(hashOf('a'))).toBeUndefined();
    expect(book.shareOf('alice')).toEqual({ weight: 2, quota: 8 });
    expect(book.shareOf('bob')).toEqual({ weight: 1, quota: Infinity });
    expect(book.shareOf('')).toEqual({ weight: 1, quota: Infinity });
  });

  it('may be JSON', () => {
    const entry = { sha256: hashOf('a'), owner: 'alice', roles: ['operate'] };
    const book = parseTokens(JSON.stringify({ tokens: [entry] }), 'tokens.json');
    expect([...book.callerOf('a')!.roles].sort()).toEqual(['operate', 'read', 'submit', 'worker']);
    expect(book.callerOf('a')?.priorityMax).toBe(100);
  });

  it('has all its problems told at once', () => {
    const text = JSON.stringify({
      tokens: [
        { sha256: 'abc', owner: '../x', roles: [] },
        { sha256: hashOf('a'), owner: 'a', roles: ['king'], weight: 0, quota: 0.5 },
      ],
    });
    expect(problemsOf(text).map((problem) => problem.split(':')[0])).toEqual([
      'tokens.0.sha256',
      'tokens.0.owner',
      'tokens.0.roles',
      'tokens.1.roles.0',
      'tokens.1.weight',
      'tokens.1.quota',
    ]);
  });

  it.each([
    ['one token twice', [{ owner: 'a' }, { owner: 'b' }]],
    [
      'two shares of one owner',
      [
        { owner: 'a', weight: 1 },
        { owner: 'a', weight: 2, token: 'b' },
      ],
    ],
  ])('is refused for %s', (_, entries) => {
    const tokens = entries.map(({ token = 'a', ...rest }: { token?: string }) => ({
      ...{ sha256: hashOf(token), roles: ['read'] },
      ...rest,
    }));
    expect(problemsOf(JSON.stringify({ tokens }))).toHaveLength(1);
  });

  it.each(['', 'tokens: []', 'tokens: 1', '[', 'x: ${'])('is refused if it is %j', (text) => {
    expect(problemsOf(text)).not.toEqual([]);
  });

  it('never has what it holds repeated in an error', () => {
    const secret = 'bivdiff_a-secret-in-the-wrong-place';
    for (const text of [
      `tokens: [{ sha256: ${secret}, owner: alice, roles: [read] }]`,
      `tokens: [{ sha256: ${hashOf('a')}, owner: alice, roles: [${secret}] }]`,
      `tokens: [{ sha256: ${hashOf('a')}, owner: alice, roles: [read], ${secret}: 1 }]`,
      `tokens: [{ sha256: ${hashOf('a')}, owner: "${secret}!", roles: [read] }]`,
      `${secret}: [`,
      secret,
    ]) {
      const problems = problemsOf(text);
      expect(problems).not.toEqual([]);
      expect(problems.join()).not.toContain(secret);
    }
  });
});

describe('a fresh token', () => {
  it('is long, one word, never the same, and known by its hash', () => {
    const made = Array.from({ length: 100 }, createToken);
    expect(new Set(made.map(({ token }) => token)).size).toBe(100);
    for (const { token, sha256 } of made) {
      expect(token).toMatch(/^bivdiff_[A-Za-z0-9_-]{43}$/);
      expect(sha256).toBe(hashOf(token));
    }
  });
});
