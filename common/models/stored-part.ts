// Model parts in a store: their files as artifacts, and a document named by the part's digest that lists them, so that
// the part can be made again on any machine. Knows nothing of where it is made: workers/models/ does.

import { stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { z } from 'zod';

import { canonicalJson } from '../canonical-json.ts';
import { isDigest } from '../digest.ts';
import { BivdiffError } from '../errors.ts';
import type { Store } from '../store/ports.ts';
import type { Digest } from '../task.ts';
import type { ModelPart } from './model-set.ts';
import { digestOfPart, nameInSet } from './open-part.ts';
import type { PartPlace } from './part-files.ts';

/** What the store's document says. All names are relative to the set, with forward slashes. */
export interface PartListing {
  readonly version: 1;
  readonly kind: PartPlace['kind'];
  /** For people: two sets may call the same part by two names. */
  readonly name: string;
  readonly graph?: string | undefined;
  readonly folder?: string | undefined;
  readonly config?: string | undefined;
  readonly files: readonly {
    readonly name: string;
    readonly digest: Digest;
    readonly bytes: number;
  }[];
}

/** Nothing that could leave the folder that it is put below. */
const relativeName = z
  .string()
  .regex(/^[^\\\0]+$/)
  .refine((name) => !name.startsWith('/') && posix.normalize(name) === name && name !== '.')
  .refine((name) => !name.split('/').includes('..'));
const digest = z.custom<Digest>(isDigest);
const listingSchema = z.object({
  version: z.literal(1),
  kind: z.enum(['graph', 'tokenizer', 'scheduler']),
  name: z.string(),
  graph: relativeName.optional(),
  folder: relativeName.optional(),
  config: relativeName.optional(),
  files: z.array(z.object({ name: relativeName, digest, bytes: z.int().nonnegative() })).min(1),
});

export interface StorePartOptions {
  /** The folder of the part's set. */
  readonly root: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Puts a part's files, then its document. What is there counts as used now; its files are read, not written.
 * @throws failed-precondition — a file was changed since the part was opened
 */
export async function storePart(
  store: Pick<Store, 'putArtifactFile' | 'putDocument'>,
  part: ModelPart,
  { root, signal }: StorePartOptions,
): Promise<void> {
  const files: PartListing['files'][number][] = [];
  for (const path of part.files) {
    const stored = await store.putArtifactFile(path, signal === undefined ? {} : { signal });
    files.push({ name: nameInSet(root, path), digest: stored, bytes: (await stat(path)).size });
  }
  if (digestOfPart(files) !== part.digest) throw changed(part, root);
  const named = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : nameInSet(root, path);
  const listing: PartListing = {
    version: 1,
    kind:
      part.graph !== undefined ? 'graph' : part.folder !== undefined ? 'tokenizer' : 'scheduler',
    name: part.name,
    graph: named(part.graph),
    folder: named(part.folder),
    config: named(part.configFile),
    files,
  };
  const bytes = Buffer.from(canonicalJson(listing as never));
  await store.putDocument({ kind: 'model', id: part.digest }, bytes);
}

/**
 * What files make up the part of this digest; undefined if the store does not know it.
 * @throws failed-precondition — the document does not describe that part
 */
export async function readPartListing(
  store: Pick<Store, 'getDocument'>,
  part: Digest,
): Promise<PartListing | undefined> {
  const bytes = await store.getDocument({ kind: 'model', id: part });
  if (bytes === undefined) return undefined;
  const listing = parseListing(bytes);
  if (listing !== undefined && digestOfPart(listing.files) === part) return listing;
  throw new BivdiffError(
    'failed-precondition',
    `the store's list of the files of model part ${part.slice(0, 12)} is not of that part`,
    { hint: 'Was it written by another version of bivdiff? Use one version on the whole farm.' },
  );
}

/** Whether the store has the part's list and every file of it. Reads none of the files. */
export async function isPartStored(
  store: Pick<Store, 'getDocument' | 'hasArtifact'>,
  part: Digest,
): Promise<boolean> {
  const listing = await readPartListing(store, part);
  if (listing === undefined) return false;
  for (const file of listing.files) {
    if (!(await store.hasArtifact(file.digest))) return false;
  }
  return true;
}

function parseListing(bytes: Uint8Array): PartListing | undefined {
  try {
    const { success, data } = listingSchema.safeParse(JSON.parse(Buffer.from(bytes).toString()));
    return success ? data : undefined;
  } catch {
    return undefined;
  }
}

/** Where the part lies once its files are below `root`. */
export function placeOf(listing: PartListing, root: string): PartPlace {
  const { kind, name } = listing;
  const at = (inSet = ''): string => join(root, inSet);
  switch (kind) {
    case 'graph':
      return { kind, name, graphs: [at(listing.graph)], configs: [at(listing.config)] };
    case 'tokenizer':
      return { kind, name, folder: at(listing.folder) };
    case 'scheduler':
      return { kind, name, config: at(listing.config) };
  }
}

function changed(part: ModelPart, path: string): BivdiffError {
  return new BivdiffError(
    'failed-precondition',
    `the model part ${part.name} was changed while it was in use: ${path}`,
    { hint: 'Start the coordinator again after changing model files.' },
  );
}
