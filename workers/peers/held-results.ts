// What this worker made and nobody stores: steps of windows, which their readers need for a moment. In memory, then in files of this
// process; bounded in both, and what was unused longest goes first. What is lost is made again, by whoever needs it.

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { makeTemporaryFolder } from '../../common/files/temporary-folder.ts';
import type { TemporaryFolder } from '../../common/files/temporary-folder.ts';
import type { Digest } from '../../common/task.ts';

export interface HeldResultsOptions {
  readonly memoryBytesMax: number;
  readonly diskBytesMax: number;
}

interface InFile {
  readonly bytes: number;
  /** Resolves when it is written; to undefined where that failed. */
  readonly path: Promise<string | undefined>;
}

export class HeldResults {
  readonly #options: HeldResultsOptions;
  /** Unused longest first, as in the files. */
  readonly #inMemory = new Map<Digest, Uint8Array>();
  readonly #inFiles = new Map<Digest, InFile>();
  #memoryBytes = 0;
  #diskBytes = 0;
  #folder: Promise<TemporaryFolder> | undefined;

  constructor(options: HeldResultsOptions) {
    this.#options = options;
  }

  /** The bytes must not change any more. */
  hold(digest: Digest, bytes: Uint8Array): void {
    if (this.#inMemory.has(digest)) return;
    this.#inMemory.set(digest, bytes);
    this.#memoryBytes += bytes.byteLength;
    for (const [oldest, old] of this.#inMemory) {
      if (this.#memoryBytes <= this.#options.memoryBytesMax) return;
      this.#inMemory.delete(oldest);
      this.#memoryBytes -= old.byteLength;
      this.#spill(oldest, old);
    }
  }

  /** Not to be changed. Undefined if it is lost. */
  async get(digest: Digest): Promise<Uint8Array | undefined> {
    const bytes = this.#inMemory.get(digest);
    if (bytes !== undefined) {
      this.#inMemory.delete(digest);
      this.#inMemory.set(digest, bytes);
      return bytes;
    }
    const file = this.#inFiles.get(digest);
    if (file === undefined) return undefined;
    this.#inFiles.delete(digest);
    this.#inFiles.set(digest, file);
    const path = await file.path;
    return path === undefined ? undefined : readFile(path).catch(() => undefined);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#inFiles.values()].map(({ path }) => path));
    this.#inMemory.clear();
    this.#inFiles.clear();
    const folder = await this.#folder?.catch(() => undefined);
    await folder?.[Symbol.asyncDispose]();
  }

  #spill(digest: Digest, bytes: Uint8Array): void {
    const { diskBytesMax } = this.#options;
    if (this.#inFiles.has(digest) || bytes.byteLength > diskBytesMax) return;
    this.#inFiles.set(digest, { bytes: bytes.byteLength, path: this.#write(digest, bytes) });
    this.#diskBytes += bytes.byteLength;
    for (const [oldest, file] of this.#inFiles) {
      if (this.#diskBytes <= diskBytesMax) return;
      this.#inFiles.delete(oldest);
      this.#diskBytes -= file.bytes;
      void file.path.then(async (path) => {
        if (path !== undefined) await rm(path, { force: true }).catch(() => undefined);
      });
    }
  }

  #forget(digest: Digest): void {
    this.#diskBytes -= this.#inFiles.get(digest)?.bytes ?? 0;
    this.#inFiles.delete(digest);
  }

  /** A full disk loses what did not fit. */
  async #write(digest: Digest, bytes: Uint8Array): Promise<string | undefined> {
    try {
      const folder = await (this.#folder ??= makeTemporaryFolder('held').catch(
        (reason: unknown) => {
          this.#folder = undefined;
          throw reason;
        },
      ));
      const path = join(folder.path, digest);
      await writeFile(path, bytes);
      return path;
    } catch {
      this.#forget(digest);
      return undefined;
    }
  }
}
