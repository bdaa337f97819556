// A render's source in the store: one video file, or a folder of pictures as a listing of their digests.

import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { BivdiffError } from './errors.ts';
import type { Store } from './store/ports.ts';
import type { Digest } from './task.ts';

/** What the source's artifact is: the bytes of a file, or a `FolderListing`. */
export type SourceKind = 'video' | 'folder';

export interface StoredSource {
  readonly kind: SourceKind;
  readonly digest: Digest;
}

interface FolderListing {
  readonly files: readonly { readonly name: string; readonly digest: Digest }[];
}

/** Puts a video file, or a folder of pictures, into the store. @throws not-found, permission-denied */
export async function putSource(
  store: Pick<Store, 'putArtifact' | 'putArtifactFile'>,
  path: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<StoredSource> {
  const facts = await stat(path).catch((reason: unknown) => {
    throw BivdiffError.from(reason, `reading the source ${path}`);
  });
  if (!facts.isDirectory())
    return { kind: 'video', digest: await store.putArtifactFile(path, options) };
  const names = (await readdir(path, { withFileTypes: true }))
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .sort();
  const files: { name: string; digest: Digest }[] = [];
  for (const name of names) {
    files.push({ name, digest: await store.putArtifactFile(join(path, name), options) });
  }
  const listing: FolderListing = { files };
  return { kind: 'folder', digest: await store.putArtifact(Buffer.from(JSON.stringify(listing))) };
}

/** All artifacts that a source is made of, as far as the store has them. */
export async function artifactsOfSource(store: Store, source: StoredSource): Promise<Digest[]> {
  const { kind, digest } = source;
  if (kind === 'video' || !(await store.hasArtifact(digest))) return [digest];
  return [digest, ...(await readListing(store, digest)).files.map((file) => file.digest)];
}

/** Writes a stored source to `path`, which must not exist: as a file, or as a folder. @throws data-loss */
export async function materialiseSource(
  store: Store,
  source: StoredSource,
  path: string,
): Promise<void> {
  if (source.kind === 'video') {
    await store.getArtifactFile(source.digest, path);
    return;
  }
  const listing = await readListing(store, source.digest);
  await mkdir(path);
  for (const { name, digest } of listing.files)
    await store.getArtifactFile(digest, join(path, name));
}

/** @throws data-loss */
async function readListing(store: Store, digest: Digest): Promise<FolderListing> {
  return JSON.parse(Buffer.from(await store.getArtifact(digest)).toString()) as FolderListing;
}
