// Artifacts on S3: each an object named by the SHA-256 of its bytes, checked by the server when it is put and by us
// whenever it is read.

import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

import { digestFile, digestLongBytes } from '../../digest.ts';
import { BivdiffError } from '../../errors.ts';
import { readChunks } from '../../read-chunks.ts';
import type { ArtifactRef, Digest } from '../../task.ts';
import { damagedArtifact, missingArtifact } from '../data-loss.ts';
import { Gate } from '../../gate.ts';
import { writeToNewFile } from '../new-file.ts';
import { hashBody } from './body.ts';
import type { Bucket, ObjectFacts, OpenObject } from './bucket.ts';
import { artifactKey } from './keys.ts';
import { isJustUsed, markUsed } from './last-use.ts';
import { PART_BYTES, partsOfBytes, partsOfFile, uploadIfAbsent } from './multipart.ts';
import type { Upload } from './multipart.ts';
import { moveAside } from './quarantine.ts';

/** From here on a look whether the artifact is there costs less than sending it for nothing. */
const LOOK_FIRST_BYTES = 4 << 20;
/** Each holds a few parts in memory. */
const UPLOADS_AT_ONCE = 2;
/** Of a piece of a stream: what a slow reader holds. */
const STREAM_BYTES = 4 << 20;
/** Each further try means that another process changed the same object in between; twice is already odd. */
const TRIES_MAX = 8;

export class S3Artifacts {
  readonly #bucket: Bucket;
  readonly #uploads = new Gate(UPLOADS_AT_ONCE);

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async put(bytes: Uint8Array, signal?: AbortSignal): Promise<Digest> {
    const digest = await digestLongBytes(bytes);
    const size = bytes.byteLength;
    if (size >= LOOK_FIRST_BYTES && (await this.#reuse(digest, size))) return digest;
    const put = (): Promise<boolean> =>
      size <= PART_BYTES
        ? this.#bucket.putIfAbsent(artifactKey(digest), bytes, { digest, signal })
        : this.#upload({ digest, bytes: size, parts: partsOfBytes(bytes), signal });
    return this.#settle(digest, size, put);
  }

  /** Reads a large file twice if it is new, once if the store has it: a video used again is not sent again. */
  async putFile(path: string, signal: AbortSignal | undefined): Promise<Digest> {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || found.size <= PART_BYTES) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of readChunks(path, { signal })) chunks.push(new Uint8Array(chunk));
      return this.put(Buffer.concat(chunks), signal);
    }
    const bytes = found.size;
    const digest = await digestFile(path, { signal });
    if (await this.#reuse(digest, bytes)) return digest;
    return this.#settle(digest, bytes, () =>
      this.#upload({ digest, bytes, parts: partsOfFile(path, bytes, signal), signal }),
    );
  }

  async get(digest: Digest): Promise<Uint8Array> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const found = await this.#bucket.get(artifactKey(digest));
      if (found === undefined) throw missingArtifact(digest, this.#bucket.address.url);
      const actual = await digestLongBytes(found.bytes);
      if (actual === digest) return found.bytes;
      if (await this.#moveAside(digest, found.facts, actual)) break;
    }
    throw damagedArtifact(digest, this.#bucket.address.url);
  }

  getFile(digest: Digest, target: string): Promise<void> {
    return writeToNewFile(target, async (temporary) => {
      const handle = await open(temporary, 'wx', 0o644);
      try {
        await this.#copyChecked(digest, handle);
      } finally {
        await handle.close();
      }
    });
  }

  /** By requests of one piece each, so that a slow reader holds no connection. */
  async *stream(digest: Digest, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
    const key = artifactKey(digest);
    const hash = offset === 0 ? createHash('sha256') : undefined;
    for (let position = offset; ;) {
      const bytes = await this.#bucket.getRange(key, position, STREAM_BYTES);
      if (bytes === undefined) throw missingArtifact(digest, this.#bucket.address.url);
      position += bytes.byteLength;
      hash?.update(bytes);
      if (bytes.byteLength > 0) yield bytes;
      if (bytes.byteLength < STREAM_BYTES) break;
    }
    if (hash === undefined || hash.digest('hex') === digest) return;
    // Moves it aside, unless a sound one has taken its place.
    await this.isSound(digest, undefined);
    throw damagedArtifact(digest, this.#bucket.address.url);
  }

  async #copyChecked(digest: Digest, to: FileHandle): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const read = await this.#hash(digest, { writeTo: to });
      if (read === undefined) throw missingArtifact(digest, this.#bucket.address.url);
      if (read.actual === digest) return;
      if (await this.#moveAside(digest, read.facts, read.actual)) break;
    }
    throw damagedArtifact(digest, this.#bucket.address.url);
  }

  /** Undefined if it is not there. */
  async size(digest: Digest): Promise<number | undefined> {
    return (await this.#bucket.head(artifactKey(digest)))?.bytes;
  }

  /** Whether it is there with the size it should have. */
  async isThere(artifact: ArtifactRef): Promise<boolean> {
    return (await this.size(artifact.digest)) === artifact.bytes;
  }

  /** Whether the bytes are those of the name; damaged ones are moved aside. Absent counts as sound. */
  async isSound(digest: Digest, signal: AbortSignal | undefined): Promise<boolean> {
    const read = await this.#hash(digest, { signal });
    if (read === undefined || read.actual === digest) return true;
    return !(await this.#moveAside(digest, read.facts, read.actual));
  }

  /** Reads it from beginning to end, into a file if one is given. Undefined if it is not there. */
  #hash(
    digest: Digest,
    options: { readonly signal?: AbortSignal | undefined; readonly writeTo?: FileHandle } = {},
  ): Promise<{ readonly facts: ObjectFacts; readonly actual: Digest } | undefined> {
    const { signal, writeTo } = options;
    const hash = async ({ facts, body }: OpenObject) => {
      await writeTo?.truncate(0);
      const onChunk = writeTo === undefined ? undefined : writerOf(writeTo);
      return { facts, actual: await hashBody(body, facts.bytes, { signal, onChunk }) };
    };
    return this.#bucket.read(artifactKey(digest), hash, { signal });
  }

  #upload(upload: Upload): Promise<boolean> {
    return this.#uploads.run(() =>
      uploadIfAbsent(this.#bucket, artifactKey(upload.digest), upload),
    );
  }

  async #settle(digest: Digest, bytes: number, put: () => Promise<boolean>): Promise<Digest> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (await put()) return digest;
      if (await this.#reuse(digest, bytes)) return digest;
    }
    throw new BivdiffError('aborted', `artifact ${digest}: others keep changing it`, {
      hint: `Look whether something else writes into ${this.#bucket.address.url}.`,
    });
  }

  /** Whether it is there already, of the right size. One of another size was torn, and is moved aside. */
  async #reuse(digest: Digest, bytes: number): Promise<boolean> {
    const key = artifactKey(digest);
    const found = await this.#bucket.head(key);
    if (found === undefined) return false;
    if (found.bytes === bytes) {
      if (isJustUsed(found.changedMs)) return true;
      await markUsed(this.#bucket, key);
      return (await this.#bucket.head(key))?.bytes === bytes;
    }
    const read = await this.#hash(digest);
    if (read !== undefined && read.actual !== digest) {
      await this.#moveAside(digest, read.facts, read.actual);
    }
    return false;
  }

  #moveAside(digest: Digest, facts: ObjectFacts, content: Digest): Promise<boolean> {
    const key = artifactKey(digest);
    return moveAside(this.#bucket, { key, label: `artifact.${digest}`, facts, content });
  }
}

/** Writes pieces from the file's beginning on. */
function writerOf(handle: FileHandle): (chunk: Uint8Array) => Promise<void> {
  let offset = 0;
  return async (chunk) => {
    // A disk that is nearly full takes a part of it, and says so only at the next write.
    for (let done = 0; done < chunk.byteLength;) {
      const { bytesWritten } = await handle.write(chunk, done, chunk.byteLength - done, offset);
      done += bytesWritten;
      offset += bytesWritten;
    }
  };
}
