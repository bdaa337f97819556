// Puts what is too large for one request: in parts, a few at once, each checked by the server. Nothing shows under the
// name before all of it is there.

import { createHash } from 'node:crypto';

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { CompletedPart } from '@aws-sdk/client-s3';

import { BivdiffError } from '../../errors.ts';
import { readChunks } from '../../read-chunks.ts';
import type { Digest } from '../../task.ts';
import { Gate } from '../../gate.ts';
import { abortable, newPut, unlessTaken } from './bucket.ts';
import type { Bucket } from './bucket.ts';

/** At a megabyte a second still a matter of seconds; four of them in memory are no burden. */
export const PART_BYTES = 16 << 20;
const PARTS_MAX = 10_000;
const PARTS_AT_ONCE = 4;

export interface Upload {
  readonly digest: Digest;
  readonly bytes: number;
  /** In parts of `partBytesOf(bytes)`, the last one shorter; each in memory that stays as it is. */
  readonly parts: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
}

export function partBytesOf(bytes: number): number {
  return Math.max(PART_BYTES, Math.ceil(bytes / PARTS_MAX));
}

/**
 * False if something of that name is there. A server that ignores the condition here replaces an artifact by the same
 * bytes: that does no harm, and needs no probe.
 * @throws aborted — the bytes are not those of the digest
 */
export async function uploadIfAbsent(
  bucket: Bucket,
  key: string,
  upload: Upload,
): Promise<boolean> {
  const place = bucket.place(key);
  const options = abortable(upload.signal);
  const { UploadId } = await bucket.client.send(
    new CreateMultipartUploadCommand({
      ...place,
      ChecksumAlgorithm: 'SHA256',
      Metadata: newPut(),
    }),
    options,
  );
  try {
    const Parts = await sendParts(bucket, { key, uploadId: UploadId ?? '' }, upload);
    const complete = new CompleteMultipartUploadCommand({
      ...place,
      UploadId,
      IfNoneMatch: '*',
      MultipartUpload: { Parts },
    });
    const failure = await unlessTaken(() => bucket.client.send(complete, options));
    if (failure === undefined) return true;
    await abort(bucket, key, UploadId);
    return false;
  } catch (reason) {
    await abort(bucket, key, UploadId);
    throw reason;
  }
}

async function sendParts(
  bucket: Bucket,
  { key, uploadId }: { readonly key: string; readonly uploadId: string },
  { parts, digest, signal }: Upload,
): Promise<CompletedPart[]> {
  const whole = createHash('sha256');
  const gate = new Gate(PARTS_AT_ONCE);
  const failed = new AbortController();
  const stop = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const sent: Promise<CompletedPart>[] = [];
  try {
    for await (const part of parts) {
      whole.update(part);
      const ChecksumSHA256 = createHash('sha256').update(part).digest('base64');
      const PartNumber = sent.length + 1;
      const command = new UploadPartCommand({
        ...bucket.place(key),
        ...{ UploadId: uploadId, PartNumber, Body: part, ChecksumSHA256 },
      });
      const turn = Promise.withResolvers<undefined>();
      const done = gate.run(async () => {
        turn.resolve(undefined);
        const { ETag } = await bucket.client.send(command, { abortSignal: stop });
        return { PartNumber, ETag, ChecksumSHA256 };
      });
      // A failure is thrown below; until then it shall not count as unhandled.
      done.catch((reason: unknown) => {
        failed.abort(reason);
      });
      sent.push(done);
      // Reads on only as fast as parts leave.
      await turn.promise;
      if (failed.signal.aborted) break;
    }
    const completed = await Promise.all(sent);
    if ((whole.digest('hex') as Digest) !== digest) throw changedMeanwhile();
    return completed;
  } finally {
    failed.abort();
    await Promise.allSettled(sent);
  }
}

/** What cannot be taken back is left to the bucket's rule for unfinished uploads. */
async function abort(bucket: Bucket, key: string, UploadId: string | undefined): Promise<void> {
  const command = new AbortMultipartUploadCommand({ ...bucket.place(key), UploadId });
  await bucket.client.send(command).catch(() => undefined);
}

export async function* partsOfBytes(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const size = partBytesOf(bytes.byteLength);
  for (let offset = 0; offset < bytes.byteLength; offset += size) {
    yield bytes.subarray(offset, offset + size);
  }
}

export async function* partsOfFile(
  path: string,
  bytes: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const size = partBytesOf(bytes);
  let part = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (let chunk of readChunks(path, { signal })) {
    while (chunk.byteLength > 0) {
      const taken = chunk.subarray(0, size - filled);
      part.set(taken, filled);
      filled += taken.byteLength;
      chunk = chunk.subarray(taken.byteLength);
      if (filled < size) continue;
      yield part;
      part = Buffer.allocUnsafe(size);
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}

function changedMeanwhile(): BivdiffError {
  return new BivdiffError('aborted', 'what is put changed while it was read', {
    hint: 'Let nothing write to the file, and run it again.',
  });
}
