// Which workers serve what they made, and where. The coordinator knows; what it says holds for a while.

import type { ServedAt } from '../../common/worker-status.ts';

/** A worker that has just begun, or has moved, is asked for again after so long. */
const KNOWN_MS = 10_000;

export interface PeerBookOptions {
  /** The machine that this worker is on. */
  readonly host: string;
  readonly nowMs: () => number;
  /** Asks who knows; undefined of one that serves nothing or is away, or if nobody answers. Never fails. */
  readonly ask: (worker: string) => Promise<ServedAt | undefined>;
}

interface Known {
  readonly address: Promise<string | undefined>;
  readonly atMs: number;
}

export class PeerBook {
  readonly #options: PeerBookOptions;
  readonly #peers = new Map<string, Known>();
  #sweptMs = 0;

  constructor(options: PeerBookOptions) {
    this.#options = options;
  }

  /** Where a worker serves; undefined of one that does not, cannot be reached from here, or was not heard of lately. */
  addressOf(worker: string): Promise<string | undefined> {
    const nowMs = this.#options.nowMs();
    const known = this.#peers.get(worker);
    if (known !== undefined && nowMs - known.atMs <= KNOWN_MS) return known.address;
    this.#sweep(nowMs);
    const address = this.#ask(worker);
    this.#peers.set(worker, { address, atMs: nowMs });
    return address;
  }

  async #ask(worker: string): Promise<string | undefined> {
    const served = await this.#options.ask(worker);
    if (served === undefined) return undefined;
    const { address, host } = served;
    // The loopback of another machine is not its.
    return isLoopback(address) && host !== this.#options.host ? undefined : address;
  }

  /** On a cluster workers come and go under ever new names. */
  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < KNOWN_MS) return;
    this.#sweptMs = nowMs;
    for (const [name, { atMs }] of this.#peers)
      if (nowMs - atMs > KNOWN_MS) this.#peers.delete(name);
  }
}

function isLoopback(address: string): boolean {
  return /^(grpcs:\/\/)?(127\.|localhost:|\[::1\])/.test(address);
}
