// Opens one model part: finds its files and names it by their bytes. The one place that says how a part's digest is
// made, for a set that a user has and for a part that came out of a store.

import { relative, sep } from 'node:path';

import { digestText } from '../digest.ts';
import type { Digest } from '../task.ts';
import type { FileDigests } from './file-digests.ts';
import type { ModelPart } from './model-set.ts';
import { findPart } from './part-files.ts';
import type { ModelProblem, PartPlace } from './part-files.ts';

/** One file of a part. */
export interface PartFile {
  /** Relative to the set, with forward slashes. */
  readonly name: string;
  readonly digest: Digest;
}

/** The part, undefined if it is optional and absent, or its problems. `root` is the folder of its set. */
export async function openPart(
  place: PartPlace,
  { root, digests }: { readonly root: string; readonly digests: FileDigests },
): Promise<ModelPart | undefined | readonly ModelProblem[]> {
  const found = await findPart(place);
  if (found === undefined || 'length' in found) return found;
  const files: PartFile[] = [];
  for (const { path } of found.files) {
    files.push({ name: nameInSet(root, path), digest: await digests.digestOf(path) });
  }
  return {
    ...found,
    files: found.files.map(({ path }) => path),
    bytes: found.files.reduce((sum, { bytes }) => sum + bytes, 0),
    digest: digestOfPart(files),
  };
}

/** Over a line for each file, in the order of their names in the set: the name, a space, the file's digest. */
export function digestOfPart(files: readonly PartFile[]): Digest {
  const lines = files.map(({ name, digest }) => `${name} ${digest}\n`);
  return digestText(lines.sort().join(''));
}

export function nameInSet(root: string, path: string): string {
  return relative(root, path).split(sep).join('/');
}
