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
import { DEFAULT_LIMITS } from '../../common/rpc/farm-limits.ts';
import type { FarmLimits } from '../../common/rpc/farm-limits.ts';
import { CHUNK_BYTES } from '../../common/rpc/message-sizes.ts';
import { sendMessage } from '../../common/rpc/send.ts';
import { statusOfError } from '../../common/rpc/status.ts';
import { unary } from '../../common/rpc/unary.ts';
import type { Store } from '../../common/store/ports.ts';
import type { Digest } from '../../common/task.ts';
import { hasAll } from './access/artifact-rights.ts';
import type { ArtifactRights } from './access/artifact-rights.ts';
import { Authorizer } from './access/authorizer.ts';
import type { Caller } from './access/caller.ts';
import { UploadQuota } from './access/upload-quota.ts';
import type { CountedUpload } from './access/upload-quota.ts';
import { CallCount } from './call-count.ts';

/** Largest upload that is held in memory; also, with some more, what one call can make the coordinator hold. */
const MEMORY_BYTES_MAX = 1 << 20;

type ReadCall = ServerWritableStream<ReadArtifactRequest, ReadArtifactResponse>;
type WriteCall = ServerReadableStream<WriteArtifactRequest, WriteArtifactResponse>;

/** Told of each piece before it is written, with the bytes of all until then. @throws resource-exhausted */
type CheckUpload = (whole: number, chunk: number) => Promise<void>;

export interface ArtifactServiceOptions {
  /** Who calls. @default everybody may do everything */
  readonly authorizer?: Authorizer;
  /** What they may read. @default everything */
  readonly rights?: ArtifactRights;
  readonly limits?: Pick<FarmLimits, 'uploadBytes' | 'ownerBytes' | 'transfers'>;
}

export function createArtifactService(
  store: Store,
  options: ArtifactServiceOptions = {},
): ArtifactServiceServer {
  const { authorizer = new Authorizer(), rights, limits = DEFAULT_LIMITS } = options;
  const quota = new UploadQuota({ store, bytesMax: limits.ownerBytes });
  const transfers = new CallCount({
    ...{ max: limits.transfers, what: 'uploads and downloads' },
    hint: 'Wait for some of them to end.',
  });
  const begin = (caller: Caller): (() => void) =>
    hasAll(caller) ? () => undefined : transfers.begin(caller.name);
  const readIfAllowed = async (call: ReadCall): Promise<void> => {
    const caller = authorizer.callerOf(call);
    const digest = checkedDigest(call.request.digest);
    const end = begin(caller);
    try {
      if ((await rights?.mayRead(caller, digest)) === false) {
        throw new BivdiffError('not-found', `you have no artifact ${digest}`, {
          hint: "An owner gets what the owner uploaded, and the outputs of the owner's jobs.",
        });
      }
      await read(store, call);
    } finally {
      end();
    }
  };
  const writeIfAllowed = async (call: WriteCall): Promise<WriteArtifactResponse> => {
    const caller = authorizer.callerOf(call);
    const end = begin(caller);
    let counted: CountedUpload | undefined;
    let isNew = false;
    try {
      if (!hasAll(caller)) counted = await quota.begin(caller.owner);
      const check = async (whole: number, chunk: number): Promise<void> => {
        checkUploadSize(whole, limits.uploadBytes);
        await counted?.take(chunk);
      };
      const { digest, bytes } = await write(store, call, check);
      isNew = (await rights?.noteUpload(caller, digest, bytes)) === true;
      return { bytes };
    } finally {
      counted?.end(isNew);
      end();
    }
  };
  return {
    hasArtifact: unary(async (request, call) => {
      const digest = checkedDigest(request.digest);
      // Who has not brought it shall bring it: so nobody comes by what they do not have.
      const isKnown = (await rights?.hasBrought(authorizer.callerOf(call), digest)) !== false;
      return { exists: isKnown && (await store.hasArtifact(digest)) };
    }),
    readArtifact: (call) => {
      readIfAllowed(call).then(
        () => call.end(),
        (reason: unknown) => call.emit('error', statusOfError(reason)),
      );
    },
    writeArtifact: (call, callback) => {
      writeIfAllowed(call).then(
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

/** As the reader takes it. */
async function read(store: Store, call: ReadCall): Promise<void> {
  const { digest, offset } = call.request;
  for await (const bytes of store.streamArtifact(checkedDigest(digest), Math.max(0, offset))) {
    for (let start = 0; start < bytes.byteLength; start += CHUNK_BYTES) {
      const chunk = bytes.subarray(start, start + CHUNK_BYTES);
      if (!(await sendMessage(call, { chunk }, chunk.byteLength))) return;
    }
  }
}

async function write(store: Store, call: WriteCall, check: CheckUpload): Promise<Written> {
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
    await check(bytes, next.value.chunk.byteLength);
  }
  if (announced === undefined) throw badUpload();
  if (bytes > MEMORY_BYTES_MAX) {
    const upload = { digest: announced, first, messages, check };
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
  readonly check: CheckUpload;
  readonly digest: Digest;
  readonly first: readonly Uint8Array[];
  readonly messages: AsyncGenerator<WriteArtifactRequest, void, undefined>;
  readonly path: string;
}

async function writeLarge(store: Store, upload: LargeUpload): Promise<Written> {
  const { digest, first, messages, path, check } = upload;
  const hash = createHash('sha256');
  let bytes = 0;
  const file = await open(path, 'wx');
  const take = async (chunk: Uint8Array): Promise<void> => {
    bytes += chunk.byteLength;
    hash.update(chunk);
    await file.writeFile(chunk);
  };
  try {
    for (const chunk of first) await take(chunk);
    for await (const { chunk } of messages) {
      await check(bytes + chunk.byteLength, chunk.byteLength);
      await take(chunk);
    }
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

async function* messagesOf(call: WriteCall): AsyncGenerator<WriteArtifactRequest, void, undefined> {
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
