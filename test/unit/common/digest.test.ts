import { describe, expect, it } from 'vitest';

import { digestBytes, digestLongBytes, digestText, isDigest } from '../../../common/digest.ts';

// FIPS 180-2, appendix B, and the digest of nothing.
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('digests', () => {
  it('are SHA-256 in lower-case hex', async () => {
    expect(digestText('abc')).toBe(ABC);
    expect(digestBytes(Buffer.from('abc'))).toBe(ABC);
    expect(digestBytes(new Uint8Array(0))).toBe(NOTHING);
    expect(await digestLongBytes(new Uint8Array(0))).toBe(NOTHING);
  });

  it('of a text are of its UTF-8', () => {
    expect(digestText('ü 🎞')).toBe(digestBytes(Buffer.from('ü 🎞', 'utf8')));
  });

  it('of a view are of the view, not of the memory behind it', () => {
    const bytes = Buffer.from('xabcx').subarray(1, 4);
    expect(digestBytes(bytes)).toBe(ABC);
  });

  it('of many bytes let other work run in between', async () => {
    const bytes = new Uint8Array(33 << 20).fill(7);
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const digest = await digestLongBytes(bytes);
    isDone = true;
    expect(turns).toBeGreaterThanOrEqual(8);
    expect(digest).toBe(digestBytes(bytes));
  });

  it.each([
    [ABC, true],
    [ABC.toUpperCase(), false],
    [ABC.slice(1), false],
    [`${ABC}\n`, false],
    [`${ABC}0`, false],
    ['', false],
    [undefined, false],
    [7, false],
  ])('have one form: %j is %j', (value, expected) => {
    expect(isDigest(value)).toBe(expected);
  });
});
