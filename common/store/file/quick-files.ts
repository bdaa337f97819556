// Small files at once, on the caller's thread, while the disk answers so fast that handing them to a thread would cost more than
// the work. A disk that is slow, say a shared volume, is left to the threads, and only tried now and then.

import {
  closeSync,
  linkSync,
  openSync,
  readSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';

import { FILE_MODE } from './file-operations.ts';

/** What is larger is the threads': reading it would hold up all else. */
const READ_BYTES_MAX = 64 << 10;
/** A disk is slow whose calls take so long on average: a few times what a local disk's cache takes. */
const SLOW_MS = 1;
/** Weight of the newest call. */
const NEWEST = 0.1;
/** A call counts for no more: this thread may just have had to wait for a processor. */
const COUNTED_MS_MAX = 2;
/** No waiting for a processor takes so long. */
const STUCK_MS = 100;
/** Calls that are left to the threads after that. */
const REST_CALLS = 256;

export class QuickFiles {
  #restCalls = 0;
  #averageMs = 0;

  /** Writes a new file by way of a temporary name. False: it was not done, and nothing is left of it. */
  create(path: string, temporary: string, bytes: Uint8Array): boolean {
    const isDone = this.#quickly(() => {
      try {
        writeFileSync(temporary, bytes, { flag: 'wx', mode: FILE_MODE });
        linkSync(temporary, path);
        return true;
      } finally {
        unlinkSync(temporary);
      }
    });
    return isDone === true;
  }

  /** The bytes; null: there is no such file; undefined: not looked at. */
  read(path: string): Uint8Array | null | undefined {
    return this.#quickly(() => {
      // Absence is common, and an error made for it costs more than the look.
      const found = statSync(path, { throwIfNoEntry: false });
      if (found === undefined) return null;
      return found.size > READ_BYTES_MAX ? undefined : readSized(path, found.size);
    });
  }

  #quickly<T>(work: () => T): T | undefined {
    if (this.#restCalls > 0) {
      this.#restCalls -= 1;
      return undefined;
    }
    const begunMs = performance.now();
    try {
      return work();
    } catch {
      // Whatever it is, the slow way meets it too, and tells of it.
      return undefined;
    } finally {
      this.#note(performance.now() - begunMs);
    }
  }

  #note(tookMs: number): void {
    this.#averageMs += NEWEST * (Math.min(tookMs, COUNTED_MS_MAX) - this.#averageMs);
    if (this.#averageMs <= SLOW_MS && tookMs <= STUCK_MS) return;
    this.#restCalls = REST_CALLS;
    this.#averageMs = 0;
  }
}

/** Without asking for its size once more. Undefined if it is not of that size any more. */
function readSized(path: string, size: number): Uint8Array | undefined {
  const bytes = new Uint8Array(size);
  const file = openSync(path, 'r');
  try {
    return readSync(file, bytes, 0, size, 0) === size ? bytes : undefined;
  } finally {
    closeSync(file);
  }
}
