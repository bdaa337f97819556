// Which workers serve what they made, and where: from what they say of themselves on the bus.

import { WORKER_SILENT_MS } from '../../common/worker-status.ts';
import type { WorkerStatus } from '../../common/worker-status.ts';

export interface PeerBookOptions {
  /** The machine that this worker is on. */
  readonly host: string;
  readonly nowMs: () => number;
}

export class PeerBook {
  readonly #options: PeerBookOptions;
  readonly #peers = new Map<string, { readonly address: string; readonly atMs: number }>();
  #sweptMs = 0;

  constructor(options: PeerBookOptions) {
    this.#options = options;
  }

  note({ name, address, host, leaving }: WorkerStatus): void {
    const isHere = host === this.#options.host;
    // The loopback of another machine is not its.
    const isOutOfReach = address === undefined || (isLoopback(address) && !isHere);
    if (leaving || isOutOfReach) this.#peers.delete(name);
    else this.#peers.set(name, { address, atMs: this.#options.nowMs() });
    this.#sweep();
  }

  /** Where a worker serves; undefined of one that does not, or was not heard of lately. */
  addressOf(worker: string): string | undefined {
    const peer = this.#peers.get(worker);
    if (peer === undefined || this.#isSilent(peer.atMs)) return undefined;
    return peer.address;
  }

  /** On a cluster workers come and go under ever new names. */
  #sweep(): void {
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#sweptMs < WORKER_SILENT_MS) return;
    this.#sweptMs = nowMs;
    for (const [name, { atMs }] of this.#peers) if (this.#isSilent(atMs)) this.#peers.delete(name);
  }

  #isSilent(atMs: number): boolean {
    return this.#options.nowMs() - atMs > WORKER_SILENT_MS;
  }
}

function isLoopback(address: string): boolean {
  return /^(grpcs:\/\/)?(127\.|localhost:|\[::1\])/.test(address);
}
