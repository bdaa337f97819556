// Which coordinator may write: each that takes over puts the next epoch into the store. Whoever finds a newer one than its own
// steps down. Two at once for a moment do no harm: they publish the same tasks, and the store keeps one result of each.

import { BivdiffError } from '../../common/errors.ts';
import { passFailurePoint } from '../../common/failure-points/failure-point.ts';
import type { Store } from '../../common/store/ports.ts';

const TRIES_MAX = 16;

/** Takes the next epoch. @throws aborted — others keep taking it */
export async function takeEpoch(store: Store, who: string): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const epoch = (await newestEpoch(store)) + 1;
    const put = await store.putDocument(
      { kind: 'epoch', id: nameOf(epoch) },
      Buffer.from(JSON.stringify({ who })),
    );
    if (put !== 'created') continue;
    passFailurePoint('epoch-taken');
    return epoch;
  }
  throw new BivdiffError('aborted', 'other coordinators keep taking over this store');
}

/** The newest epoch; 0 before the first. */
export async function newestEpoch(store: Store): Promise<number> {
  const last = (await store.listDocuments('epoch')).at(-1);
  return last === undefined ? 0 : Number(last.id);
}

/** @throws aborted — there is a newer one than this */
export async function checkEpoch(store: Store, epoch: number): Promise<void> {
  const newest = await newestEpoch(store);
  if (newest <= epoch) return;
  throw new BivdiffError(
    'aborted',
    `another coordinator has taken over (epoch ${newest}; this is ${epoch})`,
    { hint: 'One coordinator per store is enough; this one steps down.' },
  );
}

/** Sorts as the number does. */
function nameOf(epoch: number): string {
  return String(epoch).padStart(9, '0');
}
