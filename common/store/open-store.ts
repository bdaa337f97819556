// Opens a store by its place: what every program is told by --store.

import { access } from 'node:fs/promises';
import { resolve } from 'node:path';

import { BivdiffError } from '../errors.ts';
import { openFileStore, refuseFileInTheWay } from './file/index.ts';
import type { Store, StoreUpkeep } from './ports.ts';
import { isS3Address, parseS3Address } from './s3/s3-address.ts';

/** Whether the place is a folder, and not a URL. */
export function isFolder(place: string): boolean {
  return !isS3Address(place);
}

/** An absolute folder, or a URL in its one spelling. @throws invalid-argument — a malformed URL */
export function resolveStorePlace(workingFolder: string, place: string): string {
  return isS3Address(place) ? parseS3Address(place).url : resolve(workingFolder, place);
}

/** `s3://BUCKET/PREFIX`, or else a folder. @throws as `openS3Store`, `openFileStore` */
export async function openStore(place: string): Promise<Store & StoreUpkeep> {
  if (!isS3Address(place)) return openFileStore(place);
  // Its client takes a while to load, and most stores are folders.
  const { openS3Store } = await import('./s3/index.ts');
  return openS3Store(place);
}

/** Makes none. @throws not-found — there is no such folder @throws as `openStore` */
export async function openExistingStore(place: string): Promise<Store & StoreUpkeep> {
  if (isFolder(place)) {
    await refuseFileInTheWay(place);
    await access(place).catch((reason: unknown) => {
      throw new BivdiffError('not-found', `there is no store at ${place}`, {
        hint: 'A render makes one; --store or $BIVDIFF_STORE says where.',
        cause: reason,
      });
    });
  }
  return openStore(place);
}
