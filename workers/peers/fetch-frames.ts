// Frames of a tensor that another worker holds, checked. Knows nothing of who that is.

import type { HeldServiceClient } from '../../common/gen/bivdiff/v1/held_service.ts';
import type { ReadFramesResponse } from '../../common/gen/bivdiff/v1/held_service.ts';
import type { ArtifactRef } from '../../common/task.ts';
import { areFrames, countOf, DIGEST_BYTES, digestOfDigests } from './frame-digests.ts';
import type { FrameRun } from './frame-digests.ts';

export interface FetchFramesOptions {
  readonly runs: readonly FrameRun[];
  /** Milliseconds since 1970. */
  readonly deadline: number;
}

/** The frames of each run; undefined if they are not what was asked for. @throws ServiceError — gone, late, or without it */
export async function fetchFrames(
  client: HeldServiceClient,
  { digest, bytes, shape }: ArtifactRef,
  { runs, deadline }: FetchFramesOptions,
): Promise<readonly Uint8Array[] | undefined> {
  const frames = shape![0]!;
  const size = bytes / frames;
  const digests = new Filling(frames * DIGEST_BYTES);
  const made = new Filling(countOf(runs) * size);
  const frameRuns = runs.flatMap(({ offset, count }) => [offset, count]);
  const call = client.readFrames({ digest: Buffer.from(digest, 'hex'), frameRuns }, { deadline });
  try {
    for await (const message of call) {
      const { frameDigests, chunk } = message as ReadFramesResponse;
      if (!digests.add(frameDigests) || !made.add(chunk)) return undefined;
    }
  } finally {
    call.cancel();
  }
  if (!digests.isFull || digestOfDigests(digests.bytes) !== digest) return undefined;
  if (!made.isFull || !areFrames(made.bytes, runs, { digests: digests.bytes, size }))
    return undefined;
  let at = 0;
  return runs.map(({ count }) => made.bytes.subarray(at, (at += count * size)));
}

/** So many bytes, as they come. */
class Filling {
  readonly bytes: Uint8Array;
  #length = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
  }

  get isFull(): boolean {
    return this.#length === this.bytes.byteLength;
  }

  /** False if there is no room for them. */
  add(chunk: Uint8Array): boolean {
    if (this.#length + chunk.byteLength > this.bytes.byteLength) return false;
    this.bytes.set(chunk, this.#length);
    this.#length += chunk.byteLength;
    return true;
  }
}
