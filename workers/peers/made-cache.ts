// What this worker made lately, in memory: for its own next tasks and for the workers that gather it. Bounded; what was unused longest
// goes first. Losing any of it costs a read from the store, no more.

import type { Digest } from '../../common/task.ts';

export class MadeCache {
  readonly #bytesMax: number;
  readonly #made = new Map<Digest, Uint8Array>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The bytes of what was stored under this digest. They must not change any more. */
  keep(digest: Digest, bytes: Uint8Array): void {
    if (bytes.byteLength > this.#bytesMax) return;
    this.#drop(digest);
    this.#made.set(digest, bytes);
    this.#bytes += bytes.byteLength;
    for (const oldest of this.#made.keys()) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#drop(oldest);
    }
  }

  /** Not to be changed. */
  get(digest: Digest): Uint8Array | undefined {
    const bytes = this.#made.get(digest);
    if (bytes === undefined) return undefined;
    this.#made.delete(digest);
    this.#made.set(digest, bytes);
    return bytes;
  }

  #drop(digest: Digest): void {
    this.#bytes -= this.#made.get(digest)?.byteLength ?? 0;
    this.#made.delete(digest);
  }
}
