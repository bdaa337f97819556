// The mark by which workers see that their store is the coordinator's: a document that names the farm and says what its models need. A volume that
// is not shared has none; a store that does not keep the first of a name lets another machine put it again.

import { setTimeout as delay } from 'node:timers/promises';

import { z } from 'zod';

import { digestBytes } from '../../../common/digest.ts';
import { BivdiffError } from '../../../common/errors.ts';
import type { DocumentName, Store } from '../../../common/store/ports.ts';
import { SET_NEEDS } from './model-needs.ts';
import type { SetNeeds } from './model-needs.ts';

const LOOK_MS = 2_000;
const ID_CHARACTERS = 16;
const FARM = /^[a-z0-9][a-z0-9.-]{0,62}$/;

const MARK = z.object({ farm: z.string(), needs: z.array(SET_NEEDS) });

export type FarmMark = z.infer<typeof MARK>;

/** @throws invalid-argument */
export function checkFarmName(name: string): string {
  if (FARM.test(name)) return name;
  throw new BivdiffError('invalid-argument', `--farm: "${name}" cannot name a farm`, {
    hint: 'Use small letters, digits, "-" and ".", 63 at most.',
  });
}

/** Puts the mark, and takes those away that said otherwise. Coordinators of one version and one folder of models put the same. */
export async function leaveMark(
  store: Store,
  farm: string,
  needs: readonly SetNeeds[],
): Promise<void> {
  const bytes = Buffer.from(JSON.stringify({ farm, needs }));
  const id = `${farm}/${digestBytes(bytes).slice(0, ID_CHARACTERS)}`;
  await store.putDocument({ kind: 'farm', id }, bytes);
  for (const name of await store.listDocuments('farm', `${farm}/`)) {
    if (name.id !== id) await store.deleteDocument(name);
  }
}

export interface Seeking {
  readonly farm: string;
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** How the store is called in errors. */
  readonly place: string;
}

/**
 * Waits for the mark.
 * @throws failed-precondition — no coordinator of the farm has been there in time
 * @throws cancelled
 */
export async function seekMark(
  open: () => Promise<Store>,
  { farm, waitMs, signal, place }: Seeking,
): Promise<{ readonly store: Store; readonly name: DocumentName; readonly mark: FarmMark }> {
  const deadlineMs = performance.now() + waitMs;
  let cause: unknown;
  for (;;) {
    const found = await look(open, farm).catch((reason: unknown) => {
      cause = passing(reason);
    });
    if (found !== undefined) return found;
    if (performance.now() >= deadlineMs) break;
    await delay(Math.min(LOOK_MS, deadlineMs - performance.now()), undefined, { signal });
  }
  throw new BivdiffError(
    'failed-precondition',
    `no coordinator of the farm ${farm} has been in the store ${place} within ${Math.round(waitMs / 1000)} s`,
    {
      cause,
      hint: 'Either none has started: look at its log. Or this is another store than its: a volume must be one claim that all nodes mount (ReadWriteMany).',
    },
  );
}

async function look(open: () => Promise<Store>, farm: string) {
  const store = await open();
  try {
    // The newest is alone there, but for the moment in which it takes the place of the last.
    const name = (await store.listDocuments('farm', `${farm}/`)).at(-1);
    const bytes = name === undefined ? undefined : await store.getDocument(name);
    if (name !== undefined && bytes !== undefined) {
      const mark = MARK.parse(JSON.parse(Buffer.from(bytes).toString()));
      return { store, name, mark };
    }
  } catch (reason) {
    await store.close();
    throw reason;
  }
  await store.close();
  return undefined;
}

/** What may be otherwise in a moment; else it is thrown. */
function passing(reason: unknown): BivdiffError {
  const error = BivdiffError.from(reason);
  if (error.code === 'unavailable' || error.code === 'deadline-exceeded') return error;
  throw error;
}

/**
 * Puts the mark of another machine once more, with other bytes: a store that keeps the first of a name refuses that.
 * @throws failed-precondition — it does not
 */
export async function checkFirstStays(
  store: Store,
  name: DocumentName,
  place: string,
): Promise<void> {
  const put = await store.putDocument(name, Buffer.from('a second one'));
  if (put === 'exists') return;
  await store.deleteDocument(name);
  throw new BivdiffError(
    'failed-precondition',
    `the store ${place} does not keep the first of a name that another machine has put`,
    { hint: 'Use a file system with hard links that all nodes agree on (NFS 4), or S3.' },
  );
}
