// Which held results a worker may let go of, as bytes.

import { DropHeld } from '../../../gen/bivdiff/v1/farm_bus.ts';
import type { Digest } from '../../../task.ts';
import { bytesOfId, idOfBytes } from './ids.ts';

/** In one message: 34 kB. A step has a few; a job that ends, some for each of its blocks. */
const DIGESTS_MAX = 1_000;

/** As many as it takes. */
export function encodeDrops(digests: readonly Digest[]): readonly Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let from = 0; from < digests.length; from += DIGESTS_MAX) {
    const some = digests.slice(from, from + DIGESTS_MAX).map(bytesOfId);
    messages.push(DropHeld.encode({ digests: some }).finish());
  }
  return messages;
}

/** @throws invalid-argument, or the decoder's own error — it is no list of digests */
export function decodeDrop(bytes: Uint8Array): readonly Digest[] {
  const { digests } = DropHeld.decode(bytes);
  return digests.map((digest) => idOfBytes<Digest>(digest, 'the digest of a held result'));
}
