// Opens a store by its place: what every program is told by --store.

import { openFileStore } from './file/index.ts';
import type { Store, StoreUpkeep } from './ports.ts';
import { isS3Address } from './s3/s3-address.ts';

/** `s3://BUCKET/PREFIX`, or else a folder. @throws as `openS3Store`, `openFileStore` */
export async function openStore(place: string): Promise<Store & StoreUpkeep> {
  if (!isS3Address(place)) return openFileStore(place);
  // Its client takes a while to load, and most stores are folders.
  const { openS3Store } = await import('./s3/index.ts');
  return openS3Store(place);
}
