// Artifacts in a store directory: each a file named by the SHA-256 of its bytes, checked whenever it is read.

import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import { digestFile, digestLongBytes } from '../../digest.ts';
import { BivdiffError } from '../../errors.ts';
import { readChunks } from '../../read-chunks.ts';
import type { ArtifactRef, Digest } from '../../task.ts';
import { damagedArtifact, missingArtifact } from '../data-loss.ts';
import { writeToNewFile } from '../new-file.ts';
import {
  linkIfAbsent,
  openIfThere,
  readFileIfThere,
  refreshAge,
  statIfThere,
  syncFileIfThere,
  syncFolders,
  unlinkIfThere,
  writeNewFile,
} from './file-operations.ts';
import type { StoreFolder } from './store-folder.ts';

/** From here on a look whether the artifact is there costs less than writing it for nothing. */
const LOOK_FIRST_BYTES = 64 << 10;
/** Each further try means that another process changed the same file in between; twice is already odd. */
const TRIES_MAX = 8;
/** Of a piece of a stream: what a slow reader holds. */
const STREAM_BYTES = 256 << 10;

export class ArtifactFiles {
  readonly #folder: StoreFolder;

  constructor(folder: StoreFolder) {
    this.#folder = folder;
  }

  async put(bytes: Uint8Array): Promise<Digest> {
    const digest = await digestLongBytes(bytes);
    if (bytes.byteLength >= LOOK_FIRST_BYTES && (await this.#reuse(digest, bytes.byteLength))) {
      return digest;
    }
    const temporary = this.#folder.temporaryPath();
    try {
      await writeNewFile(temporary, bytes);
      await this.#settle(temporary, digest, bytes.byteLength);
    } finally {
      await unlinkIfThere(temporary);
    }
    return digest;
  }

  /** Reads the file twice if it is new, once if the store has it: a video used again is not written again. */
  async putFile(path: string, signal: AbortSignal | undefined): Promise<Digest> {
    const expected = await digestFile(path, { signal });
    if (await this.#reuse(expected, (await stat(path)).size)) return expected;
    const temporary = this.#folder.temporaryPath();
    try {
      const { digest, bytes } = await copyHashed(path, temporary, { mode: 0o444, signal });
      await this.#settle(temporary, digest, bytes);
      return digest;
    } finally {
      await unlinkIfThere(temporary);
    }
  }

  async get(digest: Digest): Promise<Uint8Array> {
    const path = this.#folder.artifactPath(digest);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const bytes = await readFileIfThere(path);
      if (bytes === undefined) throw missingArtifact(digest, this.#folder.root);
      if ((await digestLongBytes(bytes)) === digest) return bytes;
      if ((await this.#moveAside(digest)) === 'moved') break;
    }
    throw damagedArtifact(digest, this.#folder.root);
  }

  getFile(digest: Digest, target: string): Promise<void> {
    return writeToNewFile(target, (temporary) => this.#copyChecked(digest, temporary));
  }

  async #copyChecked(digest: Digest, to: string): Promise<void> {
    const path = this.#folder.artifactPath(digest);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if ((await this.size(digest)) === undefined) throw missingArtifact(digest, this.#folder.root);
      if ((await copyHashed(path, to, { mode: 0o644 })).digest === digest) return;
      await unlinkIfThere(to);
      if ((await this.#moveAside(digest)) === 'moved') break;
    }
    throw damagedArtifact(digest, this.#folder.root);
  }

  /** Its bytes and its name. */
  async sync(digest: Digest): Promise<void> {
    const path = this.#folder.artifactPath(digest);
    if (!(await syncFileIfThere(path))) throw missingArtifact(digest, this.#folder.root);
    await syncFolders(dirname(path), this.#folder.root);
  }

  async *stream(digest: Digest, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
    const handle = await openIfThere(this.#folder.artifactPath(digest));
    if (handle === undefined) throw missingArtifact(digest, this.#folder.root);
    const hash = offset === 0 ? createHash('sha256') : undefined;
    try {
      for (let position = offset; ;) {
        const buffer = new Uint8Array(STREAM_BYTES);
        const { bytesRead } = await handle.read(buffer, 0, STREAM_BYTES, position);
        if (bytesRead === 0) break;
        position += bytesRead;
        const bytes = buffer.subarray(0, bytesRead);
        hash?.update(bytes);
        yield bytes;
      }
    } finally {
      await handle.close();
    }
    if (hash === undefined || hash.digest('hex') === digest) return;
    await this.#moveAside(digest);
    throw damagedArtifact(digest, this.#folder.root);
  }

  /** Undefined if it is not there. */
  async size(digest: Digest): Promise<number | undefined> {
    return (await statIfThere(this.#folder.artifactPath(digest)))?.size;
  }

  /** Whether it is there with the size it should have; if so it counts as used now. */
  async isThere(artifact: ArtifactRef): Promise<boolean> {
    const path = this.#folder.artifactPath(artifact.digest);
    const found = await statIfThere(path);
    if (found?.size !== artifact.bytes) return false;
    return refreshAge(path, found.mtimeMs);
  }

  /** Whether the bytes are those of the name; damaged ones are moved aside. Absent counts as sound. */
  async isSound(digest: Digest, signal: AbortSignal | undefined): Promise<boolean> {
    const path = this.#folder.artifactPath(digest);
    try {
      if ((await digestFile(path, { signal })) === digest) return true;
    } catch (reason) {
      if (reason instanceof BivdiffError && reason.code === 'not-found') return true;
      throw reason;
    }
    return (await this.#moveAside(digest)) !== 'moved';
  }

  async #settle(temporary: string, digest: Digest, bytes: number): Promise<void> {
    const path = this.#folder.artifactPath(digest);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (await linkIfAbsent(temporary, path)) return;
      if (await this.#reuse(digest, bytes)) return;
    }
    throw new BivdiffError('aborted', `artifact ${digest}: others keep changing it`, {
      hint: `Look whether something else writes into ${this.#folder.root}.`,
    });
  }

  /** Whether it is there already, of the right size. One of another size was torn, and is moved aside. */
  async #reuse(digest: Digest, bytes: number): Promise<boolean> {
    const path = this.#folder.artifactPath(digest);
    const found = await statIfThere(path);
    if (found === undefined) return false;
    if (found.size === bytes) return refreshAge(path);
    await this.#folder.moveAside(
      path,
      `artifact.${digest}`,
      async (moved) => (await stat(moved)).size !== bytes,
    );
    return false;
  }

  #moveAside(digest: Digest): Promise<'moved' | 'kept' | 'gone'> {
    return this.#folder.moveAside(
      this.#folder.artifactPath(digest),
      `artifact.${digest}`,
      async (moved) => (await digestFile(moved)) !== digest,
    );
  }
}

async function copyHashed(
  from: string,
  to: string,
  options: { readonly mode: number; readonly signal?: AbortSignal | undefined },
): Promise<{ digest: Digest; bytes: number }> {
  const hasher = createHash('sha256');
  const handle = await open(to, 'wx', options.mode);
  let bytes = 0;
  try {
    for await (const chunk of readChunks(from, options)) {
      hasher.update(chunk);
      await writeFully(handle, chunk);
      bytes += chunk.byteLength;
    }
  } finally {
    await handle.close();
  }
  return { digest: hasher.digest('hex') as Digest, bytes };
}

async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  // A disk that is nearly full takes a part of it, and says so only at the next write.
  for (let offset = 0; offset < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, offset, bytes.byteLength - offset);
    offset += bytesWritten;
  }
}
