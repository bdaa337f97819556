// Which model sets a folder of models has, and what each is called. Looks for cards only; whether a set is whole is model-folder.ts's.

import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';

/**
 * The folders of the sets, by name: those that a folder holds, or the folder alone if it is a set itself. A set is called as its folder; the
 * name on its card says what it is.
 * @throws a system error — there is no such folder, or it cannot be read
 */
export async function findSetFolders(folder: string): Promise<ReadonlyMap<string, string>> {
  const root = resolve(folder);
  const entries = await readdir(root);
  if (isSet(root)) return new Map([[basename(root), root]]);
  const names = entries.filter((name) => isSet(join(root, name))).toSorted();
  return new Map(names.map((name) => [name, join(root, name)]));
}

function isSet(folder: string): boolean {
  return existsSync(join(folder, 'card.json'));
}
