// Gives other workers what this one made lately: ArtifactService, reading only, and what it holds: HeldService. What it no longer has is in
// the store, or is made again.

import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { ServerWritableStream } from '@grpc/grpc-js';

import { BivdiffError } from '../../common/errors.ts';
import type {
  ArtifactServiceServer,
  ReadArtifactRequest,
  ReadArtifactResponse,
} from '../../common/gen/bivdiff/v1/artifact_service.ts';
import type {
  HeldServiceServer,
  ReadFramesRequest,
  ReadFramesResponse,
} from '../../common/gen/bivdiff/v1/held_service.ts';
import { CHUNKED_ARTIFACT_SERVICE, CHUNKED_HELD_SERVICE } from '../../common/rpc/chunk-services.ts';
import { CHUNK_BYTES } from '../../common/rpc/message-sizes.ts';
import { sendMessage } from '../../common/rpc/send.ts';
import { statusOfError } from '../../common/rpc/status.ts';
import { unary } from '../../common/rpc/unary.ts';
import type { Digest } from '../../common/task.ts';
import type { HeldResults } from './held-results.ts';

/** Of one connection, that is of one worker. */
const READS_AT_ONCE = 32;

/** The bytes of what this worker made; undefined if it does not have them any more. */
export type FindBytes = (digest: Digest) => Uint8Array | undefined;

export interface PeerServer {
  readonly port: number;
  /** At once: whoever reads takes the rest from the store. */
  close(): void;
}

export interface PeerServerOptions {
  /** What this worker holds. @default nothing */
  readonly held?: Pick<HeldResults, 'read'> | undefined;
  /** @default in the clear */
  readonly credentials?: ServerCredentials | undefined;
}

/** Serves on HOST:PORT; port 0 takes any. @throws unavailable — it cannot listen there */
export async function startPeerServer(
  address: string,
  find: FindBytes,
  { held, credentials = ServerCredentials.createInsecure() }: PeerServerOptions = {},
): Promise<PeerServer> {
  const server = new Server({
    'grpc.so_reuseport': 0,
    'grpc.max_concurrent_streams': READS_AT_ONCE,
  });
  server.addService(CHUNKED_ARTIFACT_SERVICE, createPeerService(find));
  if (held !== undefined) server.addService(CHUNKED_HELD_SERVICE, createHeldService(held));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(cannotListen(address, error));
    });
  });
  return {
    port,
    close: () => {
      server.forceShutdown();
    },
  };
}

function createPeerService(find: FindBytes): ArtifactServiceServer {
  return {
    hasArtifact: unary(async ({ digest }) => ({ exists: find(digest as Digest) !== undefined })),
    readArtifact: (call) => {
      read(find, call).then(
        () => call.end(),
        (reason: unknown) => call.emit('error', statusOfError(reason)),
      );
    },
    writeArtifact: (_, callback) => {
      callback(statusOfError(new BivdiffError('permission-denied', 'workers only give artifacts')));
    },
  };
}

async function read(
  find: FindBytes,
  call: ServerWritableStream<ReadArtifactRequest, ReadArtifactResponse>,
): Promise<void> {
  const { digest, offset } = call.request;
  const bytes = find(digest as Digest);
  if (bytes === undefined) {
    throw new BivdiffError('not-found', `this worker does not have artifact ${digest} any more`);
  }
  for (const chunk of chunksOf(bytes.subarray(Math.max(0, offset)))) {
    if (!(await sendMessage(call, { chunk }, chunk.byteLength))) return;
  }
}

function createHeldService(held: Pick<HeldResults, 'read'>): HeldServiceServer {
  return {
    readFrames: (call) => {
      readFrames(held, call).then(
        () => call.end(),
        (reason: unknown) => call.emit('error', statusOfError(reason)),
      );
    },
  };
}

async function readFrames(
  held: Pick<HeldResults, 'read'>,
  call: ServerWritableStream<ReadFramesRequest, ReadFramesResponse>,
): Promise<void> {
  const { digest, frameRuns } = call.request;
  const name = Buffer.from(digest).toString('hex') as Digest;
  const runs = Array.from({ length: frameRuns.length / 2 }, (_, run) => {
    return { offset: frameRuns[2 * run]!, count: frameRuns[2 * run + 1]! };
  });
  const found = await held.read(name, runs);
  if (found === undefined) {
    throw new BivdiffError('not-found', `this worker does not hold ${name} any more`);
  }
  const none = new Uint8Array();
  for (const frameDigests of chunksOf(found.digests)) {
    const size = frameDigests.byteLength;
    if (!(await sendMessage(call, { frameDigests, chunk: none }, size))) return;
  }
  for (const slice of found.slices) {
    for (const chunk of chunksOf(slice)) {
      const size = chunk.byteLength;
      if (!(await sendMessage(call, { frameDigests: none, chunk }, size))) return;
    }
  }
}

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += CHUNK_BYTES) {
    yield bytes.subarray(start, start + CHUNK_BYTES);
  }
}

function cannotListen(address: string, cause: Error): BivdiffError {
  return new BivdiffError('unavailable', `cannot listen on ${address}: ${cause.message}`, {
    hint: 'Choose another address with --serve, or use --no-serve.',
    cause,
  });
}
