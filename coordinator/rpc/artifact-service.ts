// ArtifactService over gRPC: the store's artifacts in chunks. Neither side holds more than a chunk; writing waits for the reader.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ServerReadableStream, ServerWritableStream } from '@grpc/grpc-js';

import { isDigest } from '../../common/digest.ts';
import { BivdiffError } from '../../common/errors.ts';
import type {
  ArtifactServiceServer,
  ReadArtifactRequest,
  ReadArtifactResponse,
  WriteArtifactRequest,
  WriteArtifactResponse,
} from '../../common/gen/bivdiff/v1/artifact_service.ts';
import { readChunks } from '../../common/read-chunks.ts';
import { statusOfError } from '../../common/rpc/status.ts';
import type { Store } from '../../common/store/ports.ts';
import type { Digest } from '../../common/task.ts';

const CHUNK_BYTES = 256 * 1024;
/** Largest upload: a source of an hour in good quality. */
const UPLOAD_BYTES_MAX = 16 * 2 ** 30;

export function createArtifactService(store: Store): ArtifactServiceServer {
  return {
    hasArtifact: ({ request }, callback) => {
      hasArtifact(store, request.digest).then(
        (exists) => {
          callback(null, { exists });
        },
        (reason: unknown) => {
          callback(statusOfError(reason));
        },
      );
    },
    readArtifact: (call) => {
      inFolder((folder) => read(store, call, join(folder, 'artifact'))).then(
        () => call.end(),
        (reason: unknown) => call.emit('error', statusOfError(reason)),
      );
    },
    writeArtifact: (call, callback) => {
      inFolder((folder) => write(store, call, join(folder, 'upload'))).then(
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

async function hasArtifact(store: Store, digest: string): Promise<boolean> {
  return store.hasArtifact(checkedDigest(digest));
}

async function read(
  store: Store,
  call: ServerWritableStream<ReadArtifactRequest, ReadArtifactResponse>,
  path: string,
): Promise<void> {
  const { digest, offset } = call.request;
  await store.getArtifactFile(checkedDigest(digest), path);
  let position = 0;
  for await (const bytes of readChunks(path)) {
    for (let start = 0; start < bytes.byteLength; start += CHUNK_BYTES) {
      if (call.cancelled) return;
      const chunk = bytes.subarray(start, start + CHUNK_BYTES);
      const skip = Math.max(0, offset - position);
      position += chunk.byteLength;
      if (skip >= chunk.byteLength) continue;
      // The reader's chunk may be used again for the next read.
      if (!call.write({ chunk: chunk.slice(skip) })) {
        await Promise.race([once(call, 'drain'), once(call, 'cancelled')]);
      }
    }
  }
}

async function write(
  store: Store,
  call: ServerReadableStream<WriteArtifactRequest, WriteArtifactResponse>,
  path: string,
): Promise<WriteArtifactResponse> {
  const hash = createHash('sha256');
  const file = await open(path, 'wx');
  let announced: Digest | undefined;
  let bytes = 0;
  try {
    for await (const message of call) {
      const { digest, chunk } = message as WriteArtifactRequest;
      announced ??= checkedDigest(digest);
      bytes += chunk.byteLength;
      if (bytes > UPLOAD_BYTES_MAX) {
        throw new BivdiffError(
          'resource-exhausted',
          `an upload may have ${UPLOAD_BYTES_MAX} bytes at most`,
          { retry: 'never' },
        );
      }
      hash.update(chunk);
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
  if (announced === undefined || hash.digest('hex') !== announced) {
    throw new BivdiffError('data-loss', 'the upload does not have the digest that was announced');
  }
  await store.putArtifactFile(path);
  return { bytes };
}

/** A folder for one call, removed when it ends. */
async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-transfer-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function checkedDigest(digest: string): Digest {
  if (isDigest(digest)) return digest;
  throw new BivdiffError('invalid-argument', 'a digest is 64 lower-case hex digits');
}
