import { AssertionError } from 'node:assert';
import { describe, expect, it } from 'vitest';

import { canonicalJson } from '../../../common/canonical-json.ts';

describe('canonicalJson', () => {
  it.each([
    [null, 'null'],
    [true, 'true'],
    ['a "quoted"\n\u2028 ü', '"a \\"quoted\\"\\n\u2028 ü"'],
    ['\ud800', '"\\ud800"'],
    [-0, '0'],
    [1e21, '1e+21'],
    [0.1 + 0.2, '0.30000000000000004'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
    [[], '[]'],
    [{}, '{}'],
    [[1, [2, { b: 1, a: [] }]], '[1,[2,{"a":[],"b":1}]]'],
    [{ b: undefined, a: null }, '{"a":null}'],
    [Object.assign(Object.create(null) as object, { a: 1 }), '{"a":1}'],
    [JSON.parse('{"__proto__":1,"a":2}'), '{"__proto__":1,"a":2}'],
  ])('writes %j', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  // The examples of RFC 8785, 3.2.2 and 3.2.3.
  it('writes numbers as RFC 8785 does', () => {
    const numbers = [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001];
    expect(canonicalJson(numbers)).toBe('[333333333.3333333,1e+30,4.5,0.002,1e-27]');
  });

  it('sorts keys as RFC 8785 does, by UTF-16 code unit', () => {
    const keys = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6'];
    const text = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
    const sorted = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'];
    expect(Object.keys(JSON.parse(text) as object)).toEqual(
      // Keys that are whole numbers come first in every JavaScript object.
      ['1', ...sorted.filter((key) => key !== '1')],
    );
    expect(text).toBe(`{${sorted.map((key) => `${JSON.stringify(key)}:0`).join(',')}}`);
  });

  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  it.each([
    ['NaN', NaN],
    ['an infinity', -Infinity],
    ['a bigint', 1n],
    ['undefined', undefined],
    ['undefined in an array', [1, undefined]],
    ['a hole in an array', [1, , 2]],
    ['a function', { a: () => 1 }],
    ['a symbol', Symbol('a')],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['bytes', new Uint8Array(2)],
    ['a cycle', cycle],
  ])('does not let %s pass', (_, value) => {
    expect(() => canonicalJson(value)).toThrow(AssertionError);
  });
});
