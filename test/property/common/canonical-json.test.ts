import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { canonicalJson, canonicalJsonPieces } from '../../../common/canonical-json.ts';
import { testSeed } from '../../support/conformance/seed.ts';

const seed = testSeed();

describe('canonicalJson', () => {
  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer(), (value, order) => {
        expect(canonicalJson(shuffleKeys(value, order))).toBe(canonicalJson(value));
      }),
      { seed, numRuns: 300 },
    );
  });

  it('is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
      { seed, numRuns: 300 },
    );
  });

  it('is the same in pieces', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect([...canonicalJsonPieces(value)].join('')).toBe(canonicalJson(value));
      }),
      { seed, numRuns: 300 },
    );
    const long = { b: Array.from({ length: 25_000 }, (_, i) => ({ i })), a: undefined, c: [] };
    const pieces = [...canonicalJsonPieces({ long, none: {} })];
    expect(pieces.join('')).toBe(canonicalJson({ long, none: {} }));
    expect(pieces.length).toBeGreaterThan(6);
  });

  it('tells different values apart', () => {
    const small = fc.jsonValue({ maxDepth: 2 });
    fc.assert(
      fc.property(small, small, (a, b) => {
        expect(canonicalJson(a) === canonicalJson(b)).toBe(isSameJson(a, b));
      }),
      { seed, numRuns: 300 },
    );
  });
});

function shuffleKeys(value: unknown, order: number): unknown {
  if (Array.isArray(value)) return value.map((member) => shuffleKeys(member, order));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, member], i) => ({
    rank: Math.imul(order ^ (i + 1), 0x9e3779b1),
    entry: [key, shuffleKeys(member, order)] as const,
  }));
  // Defined one by one, so that a key `__proto__` is a key.
  const shuffled = {};
  for (const { entry } of entries.sort((a, b) => a.rank - b.rank)) {
    const [key, member] = entry;
    Object.defineProperty(shuffled, key, { value: member, enumerable: true });
  }
  return shuffled;
}

/** By structure, not by any text. */
function isSameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.keys(a), Object.keys(b)];
  return (
    left.length === right.length &&
    left.every(
      (key) =>
        Object.hasOwn(b, key) &&
        isSameJson((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
    )
  );
}
