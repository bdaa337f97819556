import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import { decodeText } from '../../../../common/files/text-file.ts';

const bytesOf = (...parts: (string | number)[]): Buffer =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part))),
  );

function failureOf(bytes: Uint8Array, isSecret = false): BivdiffError {
  try {
    decodeText(bytes, 'a.txt', { isSecret });
  } catch (reason) {
    return BivdiffError.from(reason);
  }
  throw new Error('it was taken');
}

describe('the text of a file', () => {
  it('is its UTF-8, without a byte order mark', () => {
    const text = 'é, 語 and 🎬\r\n';
    expect(decodeText(bytesOf(text), 'a.txt')).toBe(text);
    expect(decodeText(bytesOf(0xef, 0xbb, 0xbf, text), 'a.txt')).toBe(text);
    expect(decodeText(bytesOf(), 'a.txt')).toBe('');
    // As its file says it: no sign of bytes that were lost.
    expect(decodeText(bytesOf('\uFFFD'), 'a.txt')).toBe('\uFFFD');
  });

  it.each([
    ['a letter of ISO 8859-1', bytesOf('one\ntwo caf', 0xe9, '\n'), 'line 2, byte 8 (0xE9)'],
    ['before a newline', bytesOf('语\n', 0xe9, '\n'), 'line 2, byte 1 (0xE9)'],
    ['a character cut off', bytesOf('é语'.slice(0, 1), 0xe8, 0xaf), 'line 1, byte 3 (0xE8)'],
    ['half of a surrogate pair', bytesOf('ab', 0xed, 0xa0, 0x80), 'line 1, byte 3 (0xED)'],
    ['more bytes than it takes', bytesOf(0xc0, 0xaf), 'line 1, byte 1 (0xC0)'],
    ['the rest of none', bytesOf('\r\n\r\na', 0x80), 'line 3, byte 2 (0x80)'],
    ['a zero', bytesOf('a\nb', 0, 'c'), 'line 2, byte 2 (0x00)'],
  ])('is refused where it has %s', (_, bytes, place) => {
    const { code, message, hint } = failureOf(bytes);
    expect({ code, message }).toEqual({
      code: 'invalid-argument',
      message: `a.txt is not UTF-8 text: ${place}`,
    });
    expect(hint).toContain('iconv -f ISO-8859-1 -t UTF-8');
  });

  it.each([
    ['first byte first', bytesOf(0xff, 0xfe, '{', 0)],
    ['last byte first', bytesOf(0xfe, 0xff, 0, '{')],
  ])('of two bytes a character, %s, is told as that', (_, bytes) => {
    const { message, hint } = failureOf(bytes);
    expect(message).toBe('a.txt is UTF-16, and UTF-8 is read');
    expect(hint).toContain('iconv -f UTF-16 -t UTF-8');
  });

  it('that is a secret is not told, not even one byte of it', () => {
    const { message } = failureOf(bytesOf('token', 0xe9), true);
    expect(message).toBe('a.txt is not UTF-8 text: line 1, byte 6');
  });
});
