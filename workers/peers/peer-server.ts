// Gives other workers what this one made lately: ArtifactService, reading only. What it no longer has is in the store.

import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { ServerWritableStream } from '@grpc/grpc-js';

import { BivdiffError } from '../../common/errors.ts';
import { ArtifactServiceService } from '../../common/gen/bivdiff/v1/artifact_service.ts';
import type {
  ArtifactServiceServer,
  ReadArtifactRequest,
  ReadArtifactResponse,
} from '../../common/gen/bivdiff/v1/artifact_service.ts';
import { CHUNK_BYTES } from '../../common/rpc/message-sizes.ts';
import { sendMessage } from '../../common/rpc/send.ts';
import { statusOfError } from '../../common/rpc/status.ts';
import { unary } from '../../common/rpc/unary.ts';
import type { Digest } from '../../common/task.ts';

/** Of one connection, that is of one worker. */
const READS_AT_ONCE = 32;

/** The bytes of what this worker made; undefined if it does not have them any more. */
export type FindBytes = (
  digest: Digest,
) => Promise<Uint8Array | undefined> | Uint8Array | undefined;

export interface PeerServer {
  readonly port: number;
  /** At once: whoever reads takes the rest from the store. */
  close(): void;
}

/** Serves on HOST:PORT; port 0 takes any. In the clear, unless `credentials` say otherwise. @throws unavailable — it cannot listen there */
export async function startPeerServer(
  address: string,
  find: FindBytes,
  credentials = ServerCredentials.createInsecure(),
): Promise<PeerServer> {
  const server = new Server({
    'grpc.so_reuseport': 0,
    'grpc.max_concurrent_streams': READS_AT_ONCE,
  });
  server.addService(ArtifactServiceService, createPeerService(find));
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
    hasArtifact: unary(async ({ digest }) => ({
      exists: (await find(digest as Digest)) !== undefined,
    })),
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
  const bytes = await find(digest as Digest);
  if (bytes === undefined) {
    throw new BivdiffError('not-found', `this worker does not have artifact ${digest} any more`);
  }
  for (let start = Math.max(0, offset); start < bytes.byteLength; start += CHUNK_BYTES) {
    const chunk = bytes.subarray(start, start + CHUNK_BYTES);
    if (!(await sendMessage(call, { chunk }, chunk.byteLength))) return;
  }
}

function cannotListen(address: string, cause: Error): BivdiffError {
  return new BivdiffError('unavailable', `cannot listen on ${address}: ${cause.message}`, {
    hint: 'Choose another address with --serve, or use --no-serve.',
    cause,
  });
}
