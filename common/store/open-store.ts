// Opens a store by its place: what every program is told by --store.

import { resolve } from 'node:path';

import { openFileStore } from './file/index.ts';
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
