// Reads a file of any size in pieces, with cancellation and errors that name it. Knows nothing of what is read.

import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

import { BivdiffError } from './errors.ts';

/** Large enough for full disk speed, small enough to hash within a millisecond. */
const CHUNK_BYTES = 1 << 20;

/**
 * The file from its beginning. Each piece is valid until the next one is asked for: its memory is used again.
 * @throws cancelled — when the signal aborts between two pieces
 * @throws not-found, permission-denied, invalid-argument — it cannot be read, or is a folder
 */
export async function* readChunks(
  path: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await openToRead(path);
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  try {
    for (;;) {
      if (options.signal?.aborted === true) throw cancelledReading(path, options.signal.reason);
      const { bytesRead } = await handle
        .read(buffer, 0, CHUNK_BYTES, null)
        .catch((reason: unknown) => {
          throw readFailure(path, reason);
        });
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

async function openToRead(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (reason) {
    throw readFailure(path, reason);
  }
}

function readFailure(path: string, reason: unknown): BivdiffError {
  if ((reason as NodeJS.ErrnoException).code === 'EISDIR') {
    return new BivdiffError('invalid-argument', `reading ${path}: it is a folder, not a file`, {
      hint: 'Name a file.',
      cause: reason,
    });
  }
  return BivdiffError.from(reason, `reading ${path}`);
}

function cancelledReading(path: string, reason: unknown): BivdiffError {
  if (reason instanceof BivdiffError) return reason;
  return new BivdiffError('cancelled', `reading ${path}: cancelled`, { cause: reason });
}
