// Writes what is taken out of a store to a file of the user's: all of it under a name that was free, or nothing.

import { link, lstat, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { BivdiffError } from '../errors.ts';
import { ownName } from '../files/leftovers.ts';
import { errnoOf, unlinkIfThere } from './file/file-operations.ts';

/**
 * Lets `write` make a temporary file beside the target, then gives it its name.
 * @throws already-exists — something is there
 * @throws resource-exhausted, permission-denied, not-found — it cannot be written there
 */
export async function writeToNewFile(
  target: string,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  // Nothing of the target's name: that may be as long as the file system takes.
  const temporary = join(dirname(target), await ownName('.bivdiff-', '.part'));
  try {
    await refuseExisting(target);
    await write(temporary);
    await moveToNew(temporary, target);
  } catch (reason) {
    throw targetFailure(target, reason);
  } finally {
    await unlinkIfThere(temporary);
  }
}

async function refuseExisting(target: string): Promise<void> {
  const found = await lstat(target).catch(() => undefined);
  if (found !== undefined) throw alreadyThere(target);
}

/** Where to may be a file system without hard links (a USB stick): then there is a moment for another to be first. */
async function moveToNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (reason) {
    if (errnoOf(reason) === 'EEXIST') throw alreadyThere(to);
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoOf(reason))) throw reason;
    await refuseExisting(to);
    await rename(from, to);
  }
}

/** Whatever is not one of ours comes from where the copy goes: reading the store has errors of its own. */
function targetFailure(target: string, reason: unknown): BivdiffError {
  if (reason instanceof BivdiffError) return reason;
  const { code, message } = BivdiffError.from(reason, `writing ${target}`);
  return new BivdiffError(code, message, {
    hint:
      code === 'resource-exhausted'
        ? 'Free some room on its disk, or choose another place.'
        : 'Choose a place this user can write to.',
    details: { path: target },
    cause: reason,
  });
}

function alreadyThere(target: string): BivdiffError {
  return new BivdiffError('already-exists', `writing ${target}: it is there already`, {
    hint: 'Choose another name, or remove it first.',
  });
}
