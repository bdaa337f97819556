// Reads the body of an answer. Knows nothing of requests.

import { createHash } from 'node:crypto';

import { BivdiffError } from '../../errors.ts';
import type { Digest } from '../../task.ts';

/**
 * All of it, in memory of its own.
 * @throws unavailable — it ends early
 */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for await (const chunk of body) {
    if (offset + chunk.byteLength > length) throw wrongLength(length);
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  if (offset !== length) throw wrongLength(length);
  return bytes;
}

/**
 * Hashes it, handing every piece on.
 * @throws cancelled — when the signal aborts between two pieces
 */
export async function hashBody(
  body: AsyncIterable<Uint8Array>,
  length: number,
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly onChunk?: ((chunk: Uint8Array) => Promise<void>) | undefined;
  } = {},
): Promise<Digest> {
  const hasher = createHash('sha256');
  let seen = 0;
  for await (const chunk of body) {
    if (options.signal?.aborted === true) throw cancelled(options.signal.reason);
    hasher.update(chunk);
    seen += chunk.byteLength;
    await options.onChunk?.(chunk);
  }
  if (seen !== length) throw wrongLength(length);
  return hasher.digest('hex') as Digest;
}

/** A broken connection, not a damaged object: that would have the length it was announced with. */
function wrongLength(length: number): BivdiffError {
  return new BivdiffError('unavailable', `the answer is not ${length} bytes long, as announced`, {
    hint: 'Is there a proxy between here and the server that breaks connections?',
  });
}

function cancelled(reason: unknown): BivdiffError {
  if (reason instanceof BivdiffError) return reason;
  return new BivdiffError('cancelled', 'reading the store: cancelled', { cause: reason });
}
