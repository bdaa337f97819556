// What this worker made and its readers need for a moment: steps of windows. In memory, then in files of this process; bounded in both,
// and what was unused longest goes first. What is lost is made again, by whoever needs it.

import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { makeTemporaryFolder } from '../../common/files/temporary-folder.ts';
import type { TemporaryFolder } from '../../common/files/temporary-folder.ts';
import type { Digest } from '../../common/task.ts';
import {
  areFrames,
  countOf,
  DIGEST_BYTES,
  digestOfDigests,
  digestsOfFrames,
} from './frame-digests.ts';
import type { FrameRun } from './frame-digests.ts';

export interface HeldResultsOptions {
  readonly memoryBytesMax: number;
  readonly diskBytesMax: number;
}

/** Some frames of a tensor. Not to be changed. */
export interface HeldFrames {
  /** Of all frames of the tensor, joined. */
  readonly digests: Uint8Array;
  /** The frames of each run. */
  readonly slices: readonly Uint8Array[];
}

interface InMemory {
  readonly bytes: Uint8Array;
  readonly digests: Uint8Array;
}

interface InFile {
  readonly byteLength: number;
  readonly digests: Uint8Array;
  /** Resolves when it is written; to undefined where that failed. */
  readonly path: Promise<string | undefined>;
}

export class HeldResults {
  readonly #options: HeldResultsOptions;
  /** Unused longest first, as in the files. */
  readonly #inMemory = new Map<Digest, InMemory>();
  readonly #inFiles = new Map<Digest, InFile>();
  #memoryBytes = 0;
  #diskBytes = 0;
  #written = 0;
  #folder: Promise<TemporaryFolder> | undefined;

  constructor(options: HeldResultsOptions) {
    this.#options = options;
  }

  /** Bytes in memory and in files. */
  get bytes(): number {
    return this.#memoryBytes + this.#diskBytes;
  }

  /** A tensor of so many frames of equal size; gives its name. The bytes must not change any more. */
  async hold(bytes: Uint8Array, frames: number): Promise<Digest> {
    const digests = await digestsOfFrames(bytes, frames);
    const digest = digestOfDigests(digests);
    if (this.#inMemory.has(digest)) return digest;
    this.#inMemory.set(digest, { bytes, digests });
    this.#memoryBytes += bytes.byteLength;
    for (const [oldest, old] of this.#inMemory) {
      if (this.#memoryBytes <= this.#options.memoryBytesMax) break;
      this.#inMemory.delete(oldest);
      this.#memoryBytes -= old.bytes.byteLength;
      this.#spill(oldest, old);
    }
    return digest;
  }

  /** Frames of one; undefined if it is lost, or damaged in its file, or has not all of these. */
  async read(digest: Digest, runs: readonly FrameRun[]): Promise<HeldFrames | undefined> {
    const kept = this.#inMemory.get(digest);
    if (kept !== undefined) {
      this.#inMemory.delete(digest);
      this.#inMemory.set(digest, kept);
      return fits(runs, kept.digests)
        ? { digests: kept.digests, slices: cut(kept, runs) }
        : undefined;
    }
    const file = this.#inFiles.get(digest);
    if (file === undefined || !fits(runs, file.digests)) return undefined;
    this.#inFiles.delete(digest);
    this.#inFiles.set(digest, file);
    const path = await file.path;
    const slices = path === undefined ? undefined : await readFrames(path, runs, file);
    if (slices !== undefined) return { digests: file.digests, slices };
    this.#forgetFile(digest, file);
    return undefined;
  }

  /** Nobody needs it any more. */
  drop(digest: Digest): void {
    this.#memoryBytes -= this.#inMemory.get(digest)?.bytes.byteLength ?? 0;
    this.#inMemory.delete(digest);
    const file = this.#inFiles.get(digest);
    if (file !== undefined) this.#forgetFile(digest, file);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#inFiles.values()].map(({ path }) => path));
    this.#inMemory.clear();
    this.#inFiles.clear();
    const folder = await this.#folder?.catch(() => undefined);
    await folder?.[Symbol.asyncDispose]();
  }

  #spill(digest: Digest, { bytes, digests }: InMemory): void {
    const { byteLength } = bytes;
    const { diskBytesMax } = this.#options;
    if (this.#inFiles.has(digest) || byteLength > diskBytesMax) return;
    const file = { byteLength, digests, path: this.#write(digest, bytes) };
    this.#inFiles.set(digest, file);
    this.#diskBytes += byteLength;
    // A full disk loses what did not fit.
    void file.path.then((path) => {
      if (path === undefined) this.#forgetFile(digest, file);
    });
    for (const [oldest, old] of this.#inFiles) {
      if (this.#diskBytes <= diskBytesMax) return;
      this.#forgetFile(oldest, old);
    }
  }

  #forgetFile(digest: Digest, file: InFile): void {
    if (this.#inFiles.get(digest) !== file) return;
    this.#inFiles.delete(digest);
    this.#diskBytes -= file.byteLength;
    void file.path.then(async (path) => {
      if (path !== undefined) await rm(path, { force: true }).catch(() => undefined);
    });
  }

  async #write(digest: Digest, bytes: Uint8Array): Promise<string | undefined> {
    try {
      const folder = await (this.#folder ??= makeTemporaryFolder('held').catch(
        (reason: unknown) => {
          this.#folder = undefined;
          throw reason;
        },
      ));
      // One that was dropped and is held again may be there still.
      const path = join(folder.path, `${digest}-${(this.#written += 1)}`);
      await writeFile(path, bytes);
      return path;
    } catch {
      return undefined;
    }
  }
}

/** Whether a tensor with these frames has those of the runs, and no more are asked for than it has. */
function fits(runs: readonly FrameRun[], digests: Uint8Array): boolean {
  const frames = digests.byteLength / DIGEST_BYTES;
  return countOf(runs) <= frames && runs.every(({ offset, count }) => offset + count <= frames);
}

function cut({ bytes, digests }: InMemory, runs: readonly FrameRun[]): Uint8Array[] {
  const size = sizeOf(bytes, digests);
  return runs.map(({ offset, count }) => bytes.subarray(offset * size, (offset + count) * size));
}

function sizeOf({ byteLength }: { readonly byteLength: number }, digests: Uint8Array): number {
  return (byteLength * DIGEST_BYTES) / digests.byteLength;
}

/** Undefined if they are not what was written. */
async function readFrames(
  path: string,
  runs: readonly FrameRun[],
  file: InFile,
): Promise<Uint8Array[] | undefined> {
  const size = sizeOf(file, file.digests);
  try {
    await using handle = await open(path);
    const slices: Uint8Array[] = [];
    for (const run of runs) {
      const slice = new Uint8Array(run.count * size);
      await handle.read(slice, 0, slice.byteLength, run.offset * size);
      if (!areFrames(slice, [run], { digests: file.digests, size })) return undefined;
      slices.push(slice);
    }
    return slices;
  } catch {
    return undefined;
  }
}
