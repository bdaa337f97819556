// ArtifactService over gRPC: the store's artifacts in chunks. Neither side holds a large one in memory; writing
// waits for the reader.

import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

import type { ServerReadableStream, ServerWritableStream } from '@grpc/grpc-js';

import { digestBytes, isDigest } from '../../common/digest.ts';
import { BivdiffError } from '../../common/errors.ts';
import { makeTemporaryFolder } from '../../common/files/temporary-folder.ts';
import type {
  ArtifactServiceServer,
  ReadArtifactRequest,
  ReadArtifactResponse,
  WriteArtifactRequest,
  WriteArtifactResponse,
} from '../../common/gen/bivdiff/v1/artifact_service.ts';
import { readChunks } from '../../common/read-chunks.ts';
import { DEFAULT_LIMITS } from '../../common/rpc/farm-limits.ts';
import { CHUNK_BYTES } from '../../common/rpc/message-sizes.ts';
import { sendMessage } from '../../common/rpc/send.ts';
import { statusOfError } from '../../common/rpc/status.ts';
import { unary } from '../../common/rpc/unary.ts';
import type { Store } from '../../common/store/ports.ts';
import type { Digest } from '../../common/task.ts';
import type { ArtifactRights } from './access/artifact-rights.ts';
import { Authorizer } from './access/authorizer.ts';

/** Largest upload that is held in memory; also, with some more, what one call can make the coordinator hold. */
const MEMORY_BYTES_MAX = 1 << 20;

/** At once, of all readers: more than these take the longer way by a file. */
const READS_IN_MEMORY_MAX = 16;

type ReadCall = ServerWritableStream<ReadArtifactRequest, ReadArtifactResponse>;

export interface ArtifactServiceOptions {
  /** Who calls. @default everybody may do everything */
  readonly authorizer?: Authorizer;
  /** What they may read. @default everything */
  readonly rights?: ArtifactRights;
  /** Of one artifact. */
  readonly uploadBytesMax?: number;
}

export function createArtifactService(
  store: Store,
  options: ArtifactServiceOptions = {},
): ArtifactServiceServer {
  const { authorizer = new Authorizer(), rights } = options;
  const bytesMax = options.uploadBytesMax ?? DEFAULT_LIMITS.uploadBytes;
  let inMemory = 0;
  const readSomehow = async (call: ReadCall): Promise<void> => {
    const digest = checkedDigest(call.request.digest);
    if ((await rights?.mayRead(authorizer.callerOf(call), digest)) === false) {
      throw new BivdiffError('not-found', `you have no artifact ${digest}`, {
        hint: "An owner gets what the owner uploaded, and the outputs of the owner's jobs.",
      });
    }
    if (!call.request.inMemory || inMemory >= READS_IN_MEMORY_MAX) {
      await inFolder((folder) => readFile(store, call, join(folder, 'artifact')));
      return;
    }
    inMemory += 1;
    await readBytes(store, call).finally(() => {
      inMemory -= 1;
    });
  };
  return {
    hasArtifact: unary(async (request, call) => {
      const digest = checkedDigest(request.digest);
      // Who has not brought it shall bring it: so nobody comes by what they do not have.
      const isKnown = (await rights?.hasBrought(authorizer.callerOf(call), digest)) !== false;
      return { exists: isKnown && (await store.hasArtifact(digest)) };
    }),
    readArtifact: (call) => {
      readSomehow(call).then(
        () => call.end(),
        (reason: unknown) => call.emit('error', statusOfError(reason)),
      );
    },
    writeArtifact: (call, callback) => {
      const writing = (async () => {
        const caller = authorizer.callerOf(call);
        const { digest, bytes } = await write(store, call, bytesMax);
        await rights?.noteUpload(caller, digest);
        return { bytes };
      })();
      writing.then(
        (response) => {
          callback(null, response);
        },
        (reason: unknown) => {
          callback(statusOfError(reason));
        },
      );
    },
  };
}

async function readBytes(store: Store, call: ReadCall): Promise<void> {
  const { digest, offset } = call.request;
  const bytes = await store.getArtifact(checkedDigest(digest));
  for (let start = Math.max(0, offset); start < bytes.byteLength; start += CHUNK_BYTES) {
    const chunk = bytes.subarray(start, start + CHUNK_BYTES);
    if (!(await sendMessage(call, { chunk }))) return;
  }
}

/** By way of a file: it may be larger than memory. */
async function readFile(store: Store, call: ReadCall, path: string): Promise<void> {
  const { digest, offset } = call.request;
  await store.getArtifactFile(checkedDigest(digest), path);
  let position = 0;
  for await (const bytes of readChunks(path)) {
    for (let start = 0; start < bytes.byteLength; start += CHUNK_BYTES) {
      const chunk = bytes.subarray(start, start + CHUNK_BYTES);
      const skip = Math.max(0, offset - position);
      position += chunk.byteLength;
      if (skip >= chunk.byteLength) continue;
      // A copy: the reader uses its memory again, and a message may wait to be sent. (Slices of a Buffer are views.)
      const copy = new Uint8Array(chunk.subarray(skip));
      if (!(await sendMessage(call, { chunk: copy }))) return;
    }
  }
}

async function write(
  store: Store,
  call: ServerReadableStream<WriteArtifactRequest, WriteArtifactResponse>,
  bytesMax: number,
): Promise<Written> {
  const messages = messagesOf(call);
  const first: Uint8Array[] = [];
  let announced: Digest | undefined;
  let bytes = 0;
  // Most artifacts are small: a frame, some latents. They need no file here.
  while (bytes <= MEMORY_BYTES_MAX) {
    const next = await messages.next();
    if (next.done === true) break;
    announced ??= checkedDigest(next.value.digest);
    first.push(next.value.chunk);
    bytes += next.value.chunk.byteLength;
    checkUploadSize(bytes, bytesMax);
  }
  if (announced === undefined) throw badUpload();
  if (bytes > MEMORY_BYTES_MAX) {
    const upload = { digest: announced, first, messages, bytesMax };
    return inFolder((folder) => writeLarge(store, { ...upload, path: join(folder, 'upload') }));
  }
  const whole = Buffer.concat(first);
  if (digestBytes(whole) !== announced) throw badUpload();
  await store.putArtifact(whole);
  return { digest: announced, bytes };
}

interface Written {
  readonly digest: Digest;
  readonly bytes: number;
}

interface LargeUpload {
  readonly bytesMax: number;
  readonly digest: Digest;
  readonly first: readonly Uint8Array[];
  readonly messages: AsyncGenerator<WriteArtifactRequest, void, undefined>;
  readonly path: string;
}

async function writeLarge(store: Store, upload: LargeUpload): Promise<Written> {
  const { digest, first, messages, path, bytesMax } = upload;
  const hash = createHash('sha256');
  let bytes = 0;
  const file = await open(path, 'wx');
  const take = async (chunk: Uint8Array): Promise<void> => {
    bytes += chunk.byteLength;
    checkUploadSize(bytes, bytesMax);
    hash.update(chunk);
    await file.writeFile(chunk);
  };
  try {
    for (const chunk of first) await take(chunk);
    for await (const { chunk } of messages) await take(chunk);
  } finally {
    await file.close();
  }
  if (hash.digest('hex') !== digest) throw badUpload();
  await store.putArtifactFile(path);
  return { digest, bytes };
}

/** As it comes, before it is written: whatever was announced. */
function checkUploadSize(bytes: number, bytesMax: number): void {
  if (bytes <= bytesMax) return;
  throw new BivdiffError('resource-exhausted', `an upload may have ${bytesMax} bytes at most`, {
    retry: 'never',
    hint: 'Make it smaller, or ask whoever operates the farm for a higher limit (uploadBytes).',
  });
}

async function* messagesOf(
  call: ServerReadableStream<WriteArtifactRequest, WriteArtifactResponse>,
): AsyncGenerator<WriteArtifactRequest, void, undefined> {
  for await (const message of call) yield message as WriteArtifactRequest;
}

/** It may come whole the next time; nothing in the store is lost. */
function badUpload(): BivdiffError {
  return new BivdiffError('unavailable', 'the upload does not have the digest that was announced', {
    hint: 'Does something in between change what it passes on?',
  });
}

/** A folder for one call, removed when it ends. */
async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  await using folder = await makeTemporaryFolder('transfer');
  return await work(folder.path);
}

function checkedDigest(digest: string): Digest {
  if (isDigest(digest)) return digest;
  throw new BivdiffError('invalid-argument', 'a digest is 64 lower-case hex digits');
}
