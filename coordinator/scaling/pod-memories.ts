// What no list tells of pods, remembered while they are there.

import type { PodFacts } from './farm-view.ts';

/** So long a list is not believed that lacks the pod of a worker that speaks: then the pod was deleted by force, on a node that lives on. */
const UNLISTED_MS_MAX = 60_000;

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

  /** Name of a pod that `isMissed` now, unless it has been for so long that it must be gone. */
  missed(isMissed: (pod: PodMemory, uid: string) => boolean, nowMs: number): string | undefined {
    for (const [uid, memory] of this.#byUid) {
      const since = isMissed(memory, uid) ? (memory.unlistedSinceMs ?? nowMs) : undefined;
      memory.unlistedSinceMs = since;
      if (since !== undefined && nowMs - since < UNLISTED_MS_MAX) return memory.name;
    }
    return undefined;
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
