// Where an output really goes: a symbolic link that the user made stands for what it points to, and stays.

import { readlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';

/** As many as the kernel follows. */
const LINKS_MAX = 40;

/**
 * The path that a link's text leads to, link after link; a path that is no link is itself. What it leads to need not be there. Folders on the
 * way are the file system's to follow. @throws what the file system says of the name, such as that it is too long
 */
export async function followLinks(path: string): Promise<string> {
  let current = path;
  for (let links = 0; links < LINKS_MAX; links += 1) {
    const target = await targetOf(current);
    if (target === undefined) return current;
    current = resolve(dirname(current), target);
  }
  throw new BivdiffError('invalid-argument', `${path}: its symbolic links lead in a circle`, {
    hint: 'Choose another place, or mend the link.',
  });
}

async function targetOf(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (reason) {
    const { code = '' } = reason as NodeJS.ErrnoException;
    // EINVAL: it is no link.
    if (['EINVAL', 'ENOENT', 'ENOTDIR'].includes(code)) return undefined;
    throw reason;
  }
}
