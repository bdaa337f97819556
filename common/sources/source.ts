// A render's source in the store: one video file, or a folder of pictures as a listing of their digests.

import type { Stats } from 'node:fs';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { z } from 'zod';

import { isDigest } from '../digest.ts';
import { BivdiffError } from '../errors.ts';
import { makeTemporaryFolder, temporaryFailure } from '../files/temporary-folder.ts';
import type { Store } from '../store/ports.ts';
import type { Digest } from '../task.ts';

/** What the source's artifact is: the bytes of a file, or a `FolderListing`. */
export type SourceKind = 'video' | 'folder';

export interface StoredSource {
  readonly kind: SourceKind;
  readonly digest: Digest;
}

/** Further sources of a render, by name. */
export type StoredSources = Readonly<Record<string, StoredSource>>;

interface ListedFile {
  readonly name: string;
  readonly digest: Digest;
}

interface FolderListing {
  readonly files: readonly ListedFile[];
}

/** Frames of a folder are these; hidden files, such as those that macOS puts beside each file, are none. */
const PICTURE_NAME = /^[^.].*\.(png|jpe?g|webp|avif)$/i;
/** About 250,000 pictures. */
const LISTING_BYTES_MAX = 32 << 20;
/** File systems take no longer ones. */
const NAME_BYTES_MAX = 255;

/** Clients write listings, and their names become paths: nothing here may lead out of a folder. */
const LISTING = z.strictObject({
  files: z.array(
    z.strictObject({
      name: z.string().refine(isPlainName, 'expected the plain name of a file'),
      digest: z.custom<Digest>(
        (value) => typeof value === 'string' && isDigest(value),
        'no digest',
      ),
    }),
  ),
});

/** Puts a video file, or a folder of pictures, into the store. @throws not-found, permission-denied, invalid-argument */
export async function putSource(
  store: Pick<Store, 'putArtifact' | 'putArtifactFile'>,
  path: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<StoredSource> {
  const facts = await stat(path).catch((reason: unknown) => {
    throw BivdiffError.from(reason, `reading the source ${path}`);
  });
  refuseSpecial(path, facts);
  if (!facts.isDirectory())
    return { kind: 'video', digest: await store.putArtifactFile(path, options) };
  const files: { name: string; digest: Digest }[] = [];
  for (const name of await pictureNames(path)) {
    files.push({ name, digest: await store.putArtifactFile(join(path, name), options) });
  }
  const listing: FolderListing = { files };
  return { kind: 'folder', digest: await store.putArtifact(Buffer.from(JSON.stringify(listing))) };
}

/**
 * Refuses what is neither a file nor a folder before anybody opens it: opening a pipe waits for whoever writes into it, and reading a device
 * may never end. @throws invalid-argument
 */
export function refuseSpecial(path: string, facts: Stats): void {
  if (facts.isFile() || facts.isDirectory()) return;
  const what = facts.isFIFO() ? 'a pipe' : facts.isSocket() ? 'a socket' : 'a device';
  throw new BivdiffError('invalid-argument', `${basename(path)} is ${what}, not a file or folder`, {
    hint: 'A source is read more than once, and not from its beginning only. Write what comes out of it into a file, and name that.',
    details: { path },
  });
}

/**
 * The pictures of a folder by name, sorted: files, and links to files. Whatever else lies there is no part of the source.
 * @throws not-found — a link that leads nowhere @throws permission-denied
 */
export async function pictureNames(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => PICTURE_NAME.test(name)).sort();
  const pictures: string[] = [];
  for (const name of names) {
    const facts = await stat(join(folder, name)).catch((reason: unknown) => {
      throw BivdiffError.from(reason, `reading the picture ${join(folder, name)}`);
    });
    if (facts.isFile()) pictures.push(name);
  }
  return pictures;
}

/** All artifacts that a source is made of, as far as the store has them. */
export async function artifactsOfSource(store: Store, source: StoredSource): Promise<Digest[]> {
  const { kind, digest } = source;
  if (kind === 'video' || !(await store.hasArtifact(digest))) return [digest];
  return [digest, ...(await readListing(store, digest)).map((file) => file.digest)];
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
  const files = await readListing(store, source.digest);
  await mkdir(path);
  for (const { name, digest } of files) await store.getArtifactFile(digest, join(path, name));
}

/**
 * The files of a stored folder.
 * @throws invalid-argument — the artifact is no listing, or one that names paths or a file twice
 * @throws data-loss
 */
export async function readListing(store: Store, digest: Digest): Promise<readonly ListedFile[]> {
  const text = await readSmallArtifact(store, digest);
  const { success, data } = LISTING.safeParse(parseJson(text));
  if (success && new Set(data.files.map(({ name }) => name)).size === data.files.length) {
    return data.files;
  }
  throw new BivdiffError('invalid-argument', `artifact ${digest} is no listing of a folder`, {
    hint: 'bivdiff submit uploads folders as the farm takes them.',
  });
}

/** By way of a file: whoever calls anything a listing shall not fill our memory. */
async function readSmallArtifact(store: Store, digest: Digest): Promise<string> {
  await using folder = await makeTemporaryFolder('listing');
  const path = join(folder.path, 'listing');
  try {
    await store.getArtifactFile(digest, path);
    return (await stat(path)).size > LISTING_BYTES_MAX ? '' : await readFile(path, 'utf8');
  } catch (reason) {
    throw temporaryFailure(reason, folder.path);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isPlainName(name: string): boolean {
  return (
    name !== '' &&
    !name.startsWith('.') &&
    !/[/\\\0]/.test(name) &&
    Buffer.byteLength(name) <= NAME_BYTES_MAX
  );
}
