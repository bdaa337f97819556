// What no list tells of pods, remembered while they are there.

import type { PodFacts } from './farm-view.ts';

export interface PodMemory {
  readonly name: string;
  wasHeard: boolean;
  idleSinceMs: number | undefined;
  silentSinceMs: number | undefined;
  askedToRestMs: number | undefined;
  /** Since when lists lack it, though its worker speaks. */
  unlistedSinceMs?: number | undefined;
}

export class PodMemories {
  readonly #byUid = new Map<string, PodMemory>();

  /** By the pods' uids. */
  get all(): ReadonlyMap<string, PodMemory> {
    return this.#byUid;
  }

  of({ uid, name }: PodFacts): PodMemory {
    const known = this.#byUid.get(uid);
    if (known !== undefined) return known;
    const times = { idleSinceMs: undefined, silentSinceMs: undefined, askedToRestMs: undefined };
    const memory: PodMemory = { name, wasHeard: false, ...times };
    this.#byUid.set(uid, memory);
    return memory;
  }

  forgetAllBut(pods: readonly PodFacts[]): void {
    const there = new Set(pods.map(({ uid }) => uid));
    for (const uid of this.#byUid.keys()) if (!there.has(uid)) this.#byUid.delete(uid);
  }
}
