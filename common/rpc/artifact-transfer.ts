// Artifacts over ArtifactService, from the client's side: in chunks, at the pace of the slower side, checked by digest, and again
// when the coordinator was away. Neither side holds a file in memory.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

import { BivdiffError } from '../errors.ts';
import type {
  ArtifactServiceClient,
  HasArtifactResponse,
  ReadArtifactRequest,
  ReadArtifactResponse,
  WriteArtifactResponse,
} from '../gen/bivdiff/v1/artifact_service.ts';
import { readChunks } from '../read-chunks.ts';
import type { Digest } from '../task.ts';
import { callFailure, callUnary, cancelOnAbort, metadataOf, patiently } from './calls.ts';
import type { PatientLine } from './calls.ts';
import { CHUNK_BYTES } from './message-sizes.ts';

const CALL_MS = 30_000;
/** Of a whole transfer. Slower than 1 MB/s is given up for the largest sources only. */
const TRANSFER_MS = 4 * 3_600_000;
/** Without a chunk sent or received. The coordinator needs a while to hash 16 GiB before the first or after the last. */
const STALL_MS = 10 * 60_000;

/** Where a download goes. */
interface Sink {
  readonly isInMemory: boolean;
  take(chunk: Uint8Array): void | Promise<void>;
  /** Forgets everything taken. */
  restart(): void | Promise<void>;
}

export class ArtifactTransfer {
  readonly #client: ArtifactServiceClient;
  readonly #line: PatientLine;

  constructor(client: ArtifactServiceClient, line: PatientLine) {
    this.#client = client;
    this.#line = line;
  }

  has(digest: Digest): Promise<boolean> {
    return patiently(this.#line, async () => {
      const { exists } = await callUnary<HasArtifactResponse>(
        this.#line,
        (...rest) => this.#client.hasArtifact({ digest }, ...rest),
        CALL_MS,
      );
      return exists;
    });
  }

  /** Uploads bytes, which must not change meanwhile. */
  async put(digest: Digest, bytes: Uint8Array): Promise<void> {
    const source = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      yield bytes;
    };
    await patiently(this.#line, () => this.#upload(digest, source));
  }

  /**
   * Uploads a file that has this digest.
   * @throws aborted — it has changed since
   * @throws cancelled — by the signal
   */
  async putFile(
    digest: Digest,
    path: string,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const source = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      const hash = createHash('sha256');
      for await (const chunk of readChunks(path, options)) {
        hash.update(chunk);
        // A copy: the reader uses its memory again, and a message may wait to be sent. (Slices of a Buffer are views.)
        yield new Uint8Array(chunk);
      }
      if (hash.digest('hex') === digest) return;
      throw new BivdiffError('aborted', `reading ${path}: it was changed meanwhile`, {
        hint: 'Try again when nothing writes to it.',
      });
    };
    await patiently(this.#line, () => this.#upload(digest, source, options.signal));
  }

  /** Into memory of its own. @throws data-loss — the coordinator has no sound bytes of it */
  async get(digest: Digest): Promise<Uint8Array> {
    let chunks: Uint8Array[] = [];
    let length = 0;
    await this.#download(digest, {
      isInMemory: true,
      take: (chunk) => {
        chunks.push(chunk);
        length += chunk.byteLength;
      },
      restart: () => {
        chunks = [];
        length = 0;
      },
    });
    const bytes = new Uint8Array(length);
    let offset = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, offset);
      offset += chunk.byteLength;
    }
    return bytes;
  }

  /** To a new file. What an interrupted or damaged transfer leaves in it is the caller's to remove. @throws data-loss — as `get` */
  async getFile(digest: Digest, path: string): Promise<void> {
    const file = await open(path, 'wx');
    let position = 0;
    try {
      await this.#download(digest, {
        isInMemory: false,
        take: async (chunk) => {
          await writeFully(file, chunk, position);
          position += chunk.byteLength;
        },
        restart: async () => {
          await file.truncate(0);
          position = 0;
        },
      });
    } finally {
      await file.close();
    }
  }

  /** Goes on where an interrupted try ended; begins anew if what came is not what was asked for. */
  async #download(digest: Digest, sink: Sink): Promise<void> {
    let hash = createHash('sha256');
    let offset = 0;
    let furthest = 0;
    await patiently(this.#line, async (retries) => {
      const request = { digest, offset, inMemory: sink.isInMemory };
      await this.#read(request, async (chunk) => {
        await sink.take(chunk);
        hash.update(chunk);
        offset += chunk.byteLength;
        // What came before and was thrown away is no progress: whoever damages it may do so for ever.
        if (offset > furthest) retries.progress();
        furthest = Math.max(furthest, offset);
      });
      if (hash.copy().digest('hex') === digest) return;
      hash = createHash('sha256');
      offset = 0;
      await sink.restart();
      throw this.#damaged(digest);
    });
  }

  async #read(
    request: ReadArtifactRequest,
    take: (chunk: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const deadline = Date.now() + TRANSFER_MS;
    const call = this.#client.readArtifact(request, metadataOf(this.#line), { deadline });
    const unlisten = cancelOnAbort(call, this.#line.signal);
    const stall = setTimeout(() => {
      call.cancel();
    }, STALL_MS);
    try {
      for await (const message of call) {
        await take((message as ReadArtifactResponse).chunk);
        stall.refresh();
      }
    } catch (reason) {
      throw callFailure(reason, this.#line);
    } finally {
      clearTimeout(stall);
      unlisten();
      call.cancel();
    }
  }

  async #upload(
    digest: Digest,
    source: () => AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<void> {
    const answer = Promise.withResolvers<WriteArtifactResponse>();
    const over = new AbortController();
    const deadline = Date.now() + TRANSFER_MS;
    const call = this.#client.writeArtifact(
      metadataOf(this.#line),
      { deadline },
      (error, response) => {
        over.abort();
        if (error === null) answer.resolve(response);
        else answer.reject(error);
      },
    );
    // Awaited below, unless the source fails first.
    answer.promise.catch(() => undefined);
    call.on('error', () => undefined);
    const unlisten = [cancelOnAbort(call, this.#line.signal), cancelOnAbort(call, signal)];
    const stall = setTimeout(() => {
      call.cancel();
    }, STALL_MS);
    try {
      let sent = 0;
      for await (const chunk of inMessages(source())) {
        if (over.signal.aborted) break;
        const hasRoom = call.write({ digest: sent === 0 ? digest : '', chunk });
        sent += chunk.byteLength;
        if (!hasRoom) await once(call, 'drain', { signal: over.signal }).catch(() => undefined);
        stall.refresh();
      }
      call.end();
      const { bytes } = await answer.promise;
      if (bytes !== sent) throw this.#damaged(digest);
    } catch (reason) {
      const ended = signal?.aborted === true ? signal : this.#line.signal;
      throw callFailure(reason, { ...this.#line, signal: ended });
    } finally {
      clearTimeout(stall);
      for (const end of unlisten) end();
      call.cancel();
    }
  }

  /** No loss of data, though: it may be sound where it comes from, so the task that made it need not run again. */
  #damaged(digest: Digest): BivdiffError {
    const { server } = this.#line;
    return new BivdiffError(
      'unavailable',
      `artifact ${digest} was damaged on its way between ${server} and here`,
      { hint: 'Does something in between change what it passes on?', details: { digest } },
    );
  }
}

/** In pieces that fit a message; one empty one if there are no bytes, since the first carries the digest. */
async function* inMessages(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let isEmpty = true;
  for await (const bytes of source) {
    for (let start = 0; start < bytes.byteLength; start += CHUNK_BYTES) {
      isEmpty = false;
      yield bytes.subarray(start, start + CHUNK_BYTES);
    }
  }
  if (isEmpty) yield new Uint8Array();
}

async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  // A disk that is nearly full takes a part of it, and says so only at the next write.
  for (let offset = 0; offset < bytes.byteLength;) {
    const length = bytes.byteLength - offset;
    const { bytesWritten } = await file.write(bytes, offset, length, position + offset);
    offset += bytesWritten;
  }
}
