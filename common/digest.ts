// SHA-256 of bytes, texts and files: the name of everything in the store. Knows nothing of stores.

import { createHash, hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

import { readChunks } from './read-chunks.ts';
import type { Digest } from './task.ts';

/** About 3 ms of hashing: what the event loop can be held up without anybody noticing. */
const SLICE_BYTES = 4 << 20;

/** At once; for what is at most a few MB. */
export function digestBytes(bytes: Uint8Array): Digest {
  return hash('sha256', bytes, 'hex') as Digest;
}

/** Of the text in UTF-8. */
export function digestText(text: string): Digest {
  return hash('sha256', text, 'hex') as Digest;
}

/** Of the texts one after another in UTF-8. None ends within a character. */
export function digestTexts(texts: Iterable<string>): Digest {
  const hasher = createHash('sha256');
  for (const text of texts) hasher.update(text);
  return hasher.digest('hex') as Digest;
}

/** Of any number of bytes, letting other work run in between. The bytes must not change meanwhile. */
export async function digestLongBytes(bytes: Uint8Array): Promise<Digest> {
  if (bytes.byteLength <= SLICE_BYTES) return digestBytes(bytes);
  const hasher = createHash('sha256');
  for (let offset = 0; offset < bytes.byteLength; offset += SLICE_BYTES) {
    if (offset > 0) await setImmediate();
    hasher.update(bytes.subarray(offset, offset + SLICE_BYTES));
  }
  return hasher.digest('hex') as Digest;
}

/**
 * Of a file of any size, read in chunks.
 * @throws cancelled — when the signal aborts
 * @throws not-found, permission-denied, invalid-argument — it cannot be read, or is a folder
 */
export async function digestFile(
  path: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Digest> {
  const hasher = createHash('sha256');
  for await (const chunk of readChunks(path, options)) hasher.update(chunk);
  return hasher.digest('hex') as Digest;
}

/** Whether it has the form of a digest: 64 lower-case hex digits. */
export function isDigest(value: unknown): value is Digest {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
