// Text files that users write: read as UTF-8, and refused where they are something else, by line and byte. What is no UTF-8 would come out
// with other characters in the place of its own.

import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';

import { BivdiffError } from '../errors.ts';

/** Specs and batches have kilobytes; a video that is named by mistake shall not fill memory. */
const TEXT_BYTES_MAX = 64 << 20;
const NEWLINE = 0x0a;

/**
 * The text of a file, without a byte order mark. `doing`, `reading the spec a.yaml` say, begins what is said of it.
 * @throws invalid-argument — it is no UTF-8, too large, or a folder @throws not-found, permission-denied
 */
export async function readTextFile(path: string, doing: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // In pieces: what a pipe or a device holds is not known before.
    for await (const chunk of createReadStream(path)) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).byteLength;
      if (bytes > TEXT_BYTES_MAX) throw tooLarge(path);
    }
  } catch (reason) {
    throw readFailure(reason, path, doing);
  }
  return decodeText(Buffer.concat(chunks), path);
}

/** What is said of a file that could not be read. */
export function readFailure(reason: unknown, path: string, doing: string): BivdiffError {
  const error = BivdiffError.from(reason, doing);
  if ((reason as NodeJS.ErrnoException).code === 'EISDIR') return isFolder(path);
  if (error.code !== 'not-found') return error;
  return new BivdiffError('not-found', `${doing}: there is no such file`, {
    hint: 'Is its name right? One that does not begin with / is looked for in the folder where the command runs.',
  });
}

export interface DecodeOptions {
  /** What is in the file must not be told. @default false */
  readonly isSecret?: boolean;
}

/** The text of a file's bytes, without a byte order mark. @throws invalid-argument — they are no UTF-8 */
export function decodeText(
  bytes: Uint8Array,
  path: string,
  { isSecret = false }: DecodeOptions = {},
): string {
  // Bytes of zero are none of ours: text of two bytes a character has them, and files that are no text.
  if (isUtf8(bytes) && !bytes.includes(0)) return new TextDecoder().decode(bytes);
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw notText(`${path} is UTF-16, and UTF-8 is read`, 'iconv -f UTF-16 -t UTF-8');
  }
  const { line, byte, value } = firstBad(bytes);
  const shown = isSecret ? '' : ` (0x${value.toString(16).toUpperCase().padStart(2, '0')})`;
  throw notText(
    `${path} is not UTF-8 text: line ${line}, byte ${byte}${shown}`,
    'if its letters are of one byte each, iconv -f ISO-8859-1 -t UTF-8',
  );
}

function notText(message: string, convert: string): BivdiffError {
  return new BivdiffError('invalid-argument', message, {
    hint: `Is it the right file? Then save it as UTF-8: in an editor; or, ${convert} OLD > NEW`,
  });
}

function isFolder(path: string): BivdiffError {
  return new BivdiffError('invalid-argument', `${path} is a folder, and a file shall be read`, {
    hint: 'Name the file in it that is meant.',
  });
}

function tooLarge(path: string): BivdiffError {
  return new BivdiffError('invalid-argument', `${path} is too large to be a text of settings`, {
    hint: `Up to ${TEXT_BYTES_MAX >> 20} MiB are read. Is it the right file?`,
  });
}

/** The first byte that belongs to no character of UTF-8, or is zero; line and byte in it from 1. */
function firstBad(bytes: Uint8Array): { line: number; byte: number; value: number } {
  let line = 1;
  for (let start = 0; start < bytes.byteLength; line += 1) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.byteLength : newline;
    // No byte of a longer character is that of a newline, so each line can be judged alone.
    for (let at = start; at < end;) {
      const length = lengthOf(bytes[at]!);
      const character = bytes.subarray(at, Math.min(at + length, end));
      if (length === 0 || character.byteLength < length || !isUtf8(character)) {
        return { line, byte: at - start + 1, value: bytes[at]! };
      }
      at += length;
    }
    start = end + 1;
  }
  return { line, byte: 1, value: 0 };
}

/** Bytes of the character that begins so; 0 if none does. */
function lengthOf(first: number): number {
  if (first === 0) return 0;
  if (first < 0x80) return 1;
  if (first < 0xc0) return 0;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}
