// Tensors straight from the workers that made them, without the way by the store: from this worker's own memory, or from a peer's. A
// short cut, but for what is held: what does not come soon and whole is left to the store.

import { status } from '@grpc/grpc-js';
import type { ChannelCredentials } from '@grpc/grpc-js';

import { digestLongBytes } from '../../common/digest.ts';
import type { ReadArtifactResponse } from '../../common/gen/bivdiff/v1/artifact_service.ts';
import { isServiceError } from '../../common/rpc/status.ts';
import type { ArtifactRef, Digest } from '../../common/task.ts';
import type { GatherTally } from '../../common/worker-status.ts';
import type { TensorPeers } from '../stages/ports.ts';
import { countOf } from './frame-digests.ts';
import type { FrameRun } from './frame-digests.ts';
import type { HeldResults } from './held-results.ts';
import type { MadeCache } from './made-cache.ts';
import { PeerClients, TLS_SCHEME } from './peer-clients.ts';
import { fetchFrames } from './fetch-frames.ts';

/** What a peer may take: so long, and what the bytes need on a slow line. */
const WAIT_MS = 500;
const SLOWEST_BYTES_PER_MS = 16_000;
/** A peer that failed is not asked again for a while: each time would cost the wait. */
const REST_MS = 5_000;

/** What nobody else has is worth more patience, and a second try. */
const HELD_WAIT_MS = 5_000;
const HELD_TRIES = 2;

export interface PeerTensorsOptions {
  /** What this worker made. */
  readonly made: MadeCache;
  /** What it made and nobody stores; undefined where nobody could ask it. */
  readonly held?: HeldResults | undefined;
  /** Where a worker serves what it made. */
  readonly addressOf: (worker: string) => Promise<string | undefined> | string | undefined;
  /** For those that serve by TLS. @default they are left alone */
  readonly tls?: ChannelCredentials | undefined;
  /** Kept up to date. */
  readonly tally: GatherTally;
}

/** Of steps that tasks read from who holds them: bytes that were here, and that came from others. */
export interface StepBytes {
  own: number;
  peer: number;
}

export class PeerTensors implements TensorPeers {
  readonly #options: PeerTensorsOptions;
  readonly stepBytes: StepBytes = { own: 0, peer: 0 };
  readonly #clients: PeerClients;
  readonly #restsUntilMs = new Map<string, number>();

  constructor(options: PeerTensorsOptions) {
    this.#options = options;
    this.#clients = new PeerClients(options.tls);
  }

  get hold(): TensorPeers['hold'] {
    const { held } = this.#options;
    return held && ((bytes, frames) => held.hold(bytes, frames));
  }

  keep(digest: Digest, bytes: Uint8Array): void {
    this.#options.made.keep(digest, bytes);
  }

  /** Never fails. The bytes are not to be changed. */
  async read(ref: ArtifactRef, worker: string): Promise<Uint8Array | undefined> {
    const { made, addressOf, tally } = this.#options;
    const own = made.get(ref.digest);
    if (own !== undefined) {
      tally.hits += 1;
      return own;
    }
    const address = await addressOf(worker);
    if (address === undefined || !this.#mayReach(address) || this.#isResting(address)) {
      tally.misses += 1;
      return undefined;
    }
    try {
      const bytes = await this.#fetch(address, ref);
      if (bytes !== undefined) {
        tally.hits += 1;
        return bytes;
      }
    } catch (reason) {
      if (isServiceError(reason) && reason.code === status.NOT_FOUND) {
        tally.misses += 1;
        return undefined;
      }
    }
    this.#rest(address);
    tally.fallbacks += 1;
    return undefined;
  }

  /** Never fails. The bytes are not to be changed. */
  async readHeld(
    ref: ArtifactRef,
    worker: string,
    runs: readonly FrameRun[],
  ): Promise<readonly Uint8Array[] | undefined> {
    const { held, addressOf, tally } = this.#options;
    const bytes = (ref.bytes / ref.shape![0]!) * countOf(runs);
    const own = await held?.read(ref.digest, runs);
    if (own !== undefined) {
      tally.hits += 1;
      this.stepBytes.own += bytes;
      return own.slices;
    }
    const address = await addressOf(worker);
    if (address === undefined || !this.#mayReach(address)) return undefined;
    for (let tries = 0; tries < HELD_TRIES; tries += 1) {
      const slices = await this.#tryFetch(address, ref, runs);
      if (slices === 'gone') break;
      if (slices === undefined) continue;
      tally.hits += 1;
      this.stepBytes.peer += bytes;
      return slices;
    }
    tally.fallbacks += 1;
    return undefined;
  }

  close(): void {
    this.#clients.close();
  }

  /** Undefined if it failed, `gone` if it is not there any more. */
  async #tryFetch(
    address: string,
    ref: ArtifactRef,
    runs: readonly FrameRun[],
  ): Promise<readonly Uint8Array[] | 'gone' | undefined> {
    const deadline = Date.now() + HELD_WAIT_MS + ref.bytes / SLOWEST_BYTES_PER_MS;
    try {
      return await fetchFrames(this.#clients.of(address).held, ref, { runs, deadline });
    } catch (reason) {
      return isServiceError(reason) && reason.code === status.NOT_FOUND ? 'gone' : undefined;
    }
  }

  /** Undefined if it is not what was asked for. @throws ServiceError — gone, late, or without it */
  async #fetch(
    address: string,
    { digest, bytes: length }: ArtifactRef,
  ): Promise<Uint8Array | undefined> {
    const deadline = Date.now() + WAIT_MS + length / SLOWEST_BYTES_PER_MS;
    const request = { digest, offset: 0, inMemory: true };
    const call = this.#clients.of(address).artifacts.readArtifact(request, { deadline });
    const bytes = new Uint8Array(length);
    let offset = 0;
    try {
      for await (const message of call) {
        const { chunk } = message as ReadArtifactResponse;
        if (offset + chunk.byteLength > length) return undefined;
        bytes.set(chunk, offset);
        offset += chunk.byteLength;
      }
    } finally {
      call.cancel();
    }
    const isWhole = offset === length && (await digestLongBytes(bytes)) === digest;
    return isWhole ? bytes : undefined;
  }

  #mayReach(address: string): boolean {
    return this.#options.tls !== undefined || !address.startsWith(TLS_SCHEME);
  }

  #rest(address: string): void {
    const nowMs = performance.now();
    for (const [other, untilMs] of this.#restsUntilMs) {
      if (untilMs < nowMs) this.#restsUntilMs.delete(other);
    }
    this.#restsUntilMs.set(address, nowMs + REST_MS);
  }

  #isResting(address: string): boolean {
    return performance.now() < (this.#restsUntilMs.get(address) ?? 0);
  }
}
