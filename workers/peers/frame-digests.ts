// The name of a tensor that is held: a digest of its frames' digests, so that whoever reads some of its frames can check these alone.

import { createHash, hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

import type { Digest } from '../../common/task.ts';

export const DIGEST_BYTES = 32;
/** About 3 ms of hashing. */
const SLICE_BYTES = 4 << 20;

/** Neighbouring frames of a tensor, by their indices in it. */
export interface FrameRun {
  readonly offset: number;
  readonly count: number;
}

/** SHA-256 of each of `frames` frames, joined. Lets other work run in between; the bytes must not change meanwhile. */
export async function digestsOfFrames(bytes: Uint8Array, frames: number): Promise<Uint8Array> {
  const size = bytes.byteLength / frames;
  const digests = new Uint8Array(frames * DIGEST_BYTES);
  let unseen = 0;
  for (let frame = 0; frame < frames; frame += 1) {
    if (unseen > SLICE_BYTES) {
      await setImmediate();
      unseen = 0;
    }
    unseen += size;
    digests.set(digestOf(bytes.subarray(frame * size, (frame + 1) * size)), frame * DIGEST_BYTES);
  }
  return digests;
}

export function digestOfDigests(digests: Uint8Array): Digest {
  return createHash('sha256').update(digests).digest('hex') as Digest;
}

/** Whether these are the bytes of these frames, run by run. */
export function areFrames(
  bytes: Uint8Array,
  runs: readonly FrameRun[],
  { digests, size }: { readonly digests: Uint8Array; readonly size: number },
): boolean {
  if (bytes.byteLength !== countOf(runs) * size) return false;
  let at = 0;
  for (const { offset, count } of runs) {
    for (let frame = offset; frame < offset + count; frame += 1) {
      const from = frame * DIGEST_BYTES;
      const wanted = digests.subarray(from, from + DIGEST_BYTES);
      if (!digestOf(bytes.subarray(at, at + size)).equals(wanted)) return false;
      at += size;
    }
  }
  return true;
}

/** Frames of all runs. */
export function countOf(runs: readonly FrameRun[]): number {
  return runs.reduce((sum, { count }) => sum + count, 0);
}

function digestOf(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}
