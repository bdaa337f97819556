// Turns what the file system says into an error that names the store, how much room is needed and left, and what to do.

import { statfs } from 'node:fs/promises';

import { BivdiffError } from '../../errors.ts';
import type { StoreAction } from '../store-of-parts.ts';
import { errnoOf } from './file-operations.ts';

/** A temporary file and a folder to put it in. Some file systems (btrfs) do not count files, and say that there are 0. */
const FILES_PER_PUT = 2;

/** What fails here may be this machine's mount or disk alone: another worker may have a sound one. */
export async function storeFailure(
  reason: unknown,
  root: string,
  action: StoreAction,
): Promise<BivdiffError> {
  if (reason instanceof BivdiffError) return reason;
  const where = `${action.doing} in the store ${root}`;
  switch (errnoOf(reason)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return diskFull(reason, root, action);
    case 'EFBIG':
      return new BivdiffError(
        'resource-exhausted',
        `${where}: ${[...needs(action), 'a file would be larger than this process may write'].join(', ')}`,
        { hint: 'Raise the limit (ulimit -f).', details: detailsOf(root, action), cause: reason },
      );
    case 'ERR_FS_FILE_TOO_LARGE':
      return new BivdiffError('resource-exhausted', `${where}: too large to hold in memory`, {
        hint: 'Fetch it into a file instead.',
        retry: 'never',
        cause: reason,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new BivdiffError('permission-denied', `${where}: ${messageOf(reason)}`, {
        retry: 'other-worker',
        hint: `Let this user write to ${root}, or choose another store.`,
        details: { store: root },
        cause: reason,
      });
    case 'EEXIST':
      return new BivdiffError('already-exists', `${where}: it is not a folder`, {
        hint: 'Choose another folder.',
        details: { store: root },
      });
    case 'EIO':
      return new BivdiffError('data-loss', `${where}: ${messageOf(reason)}`, {
        retry: 'other-worker',
        hint: `The disk under ${root} fails: look at the kernel's log.`,
        details: { store: root },
        cause: reason,
      });
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ESTALE':
      return new BivdiffError('failed-precondition', `${where}: ${messageOf(reason)}`, {
        hint: `Has ${root} been removed or unmounted?`,
        details: { store: root },
        cause: reason,
      });
    default:
      return BivdiffError.from(reason, where);
  }
}

async function diskFull(reason: unknown, root: string, action: StoreAction): Promise<BivdiffError> {
  const disk = await statfs(root).catch(() => undefined);
  const freeBytes = disk === undefined ? undefined : disk.bavail * disk.bsize;
  const left =
    disk !== undefined && disk.files > 0 && disk.ffree < FILES_PER_PUT
      ? 'no more files can be made there (no free inodes)'
      : `${freeBytes ?? 'an unknown number of'} bytes are free`;
  const what = errnoOf(reason) === 'EDQUOT' ? 'the disk quota is used up' : 'the disk is full';
  return new BivdiffError(
    'resource-exhausted',
    `${action.doing} in the store ${root}: ${what}: ${[...needs(action), left].join(', ')}`,
    {
      hint: 'Free some room there, remove what no job needs with `bivdiff store gc`, or choose another store.',
      details: { ...detailsOf(root, action), freeBytes },
      cause: reason,
    },
  );
}

function needs(action: StoreAction): readonly string[] {
  return action.neededBytes === undefined ? [] : [`${action.neededBytes} bytes are needed`];
}

function detailsOf(root: string, action: StoreAction): Record<string, unknown> {
  return { store: root, neededBytes: action.neededBytes };
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
