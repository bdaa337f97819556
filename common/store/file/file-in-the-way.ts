// A file where a store's folder shall be, or a folder above it. The file system would say so in a word of its own, and not of which.

import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

import { BivdiffError } from '../../errors.ts';
import { errnoOf } from './file-operations.ts';

/** Makes nothing. @throws invalid-argument — there is one */
export async function refuseFileInTheWay(root: string): Promise<void> {
  const inTheWay = await fileInTheWay(root);
  if (inTheWay === undefined) return;
  throw new BivdiffError(
    'invalid-argument',
    `no store can be at ${root}: ${inTheWay === root ? 'it' : inTheWay} is not a folder`,
    {
      hint: 'Choose another place with --store or $BIVDIFF_STORE.',
      details: { store: root },
    },
  );
}

async function fileInTheWay(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).isDirectory() ? undefined : path;
  } catch (reason) {
    const isMissing = ['ENOENT', 'ENOTDIR'].includes(errnoOf(reason));
    // Of anything else, whoever makes the folder says more.
    return isMissing && dirname(path) !== path ? fileInTheWay(dirname(path)) : undefined;
  }
}
