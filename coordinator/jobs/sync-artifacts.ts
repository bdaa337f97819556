// Before somebody is told that a job is accepted, or done, what it was made of is on the disk.

import type { Store } from '../../common/store/ports.ts';
import type { Digest } from '../../common/task.ts';
import { mapBounded } from '../map-bounded.ts';

const SYNCS_AT_ONCE = 16;

/** Resolves when all of them would survive a power failure. @throws data-loss — one is absent */
export async function syncArtifacts(store: Store, digests: readonly Digest[]): Promise<void> {
  await mapBounded([...new Set(digests)], SYNCS_AT_ONCE, (digest) => store.syncArtifact(digest));
}
