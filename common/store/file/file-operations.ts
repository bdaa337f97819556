// The few operations on files that the store directory is made of, each with its common failure as a value. Knows
// nothing of what the files are.

import {
  link,
  mkdir,
  open,
  readFile,
  rename,
  stat,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** An age younger than this is not refreshed again, so that surveys write little. */
const REFRESH_AFTER_MS = 60_000;

/** False if there is nothing of that name. Takes the place of what has the new name: use names of one's own. */
export async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (reason) {
    if (errnoOf(reason) === 'ENOENT') return false;
    throw reason;
  }
}

/** Gives a file a second name, making the folder if need be. False if the name is taken. */
export async function linkIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (reason) {
    if (errnoOf(reason) === 'EEXIST') return false;
    if (errnoOf(reason) !== 'ENOENT') throw reason;
  }
  // The first file of its folder.
  await mkdir(dirname(to), { recursive: true });
  return link(from, to).then(
    () => true,
    (reason: unknown) => {
      if (errnoOf(reason) === 'EEXIST') return false;
      throw reason;
    },
  );
}

/** Read-only, since nothing in a store ever changes. */
export const FILE_MODE = 0o444;

export async function writeNewFile(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(path, bytes, { flag: 'wx', mode: FILE_MODE });
}

/** As `writeNewFile`, and on the disk when it resolves. */
export async function writeNewFileSynced(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(path, bytes, { flag: 'wx', mode: FILE_MODE, flush: true });
}

/** Makes the bytes of a file survive a power failure, whoever wrote them. False if it is not there. */
export async function syncFileIfThere(path: string): Promise<boolean> {
  try {
    const handle = await open(path, 'r');
    await handle.sync().finally(() => handle.close());
    return true;
  } catch (reason) {
    if (errnoOf(reason) === 'ENOENT') return false;
    throw reason;
  }
}

/** Makes names put into a folder, and into those above it up to `root`, survive a power failure. */
export async function syncFolders(folder: string, root: string): Promise<void> {
  for (let current = folder; ; current = dirname(current)) {
    const handle = await open(current, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (current === root || current === dirname(current)) return;
  }
}

export async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (reason) {
    if (errnoOf(reason) !== 'ENOENT') throw reason;
  }
}

export function errnoOf(reason: unknown): string {
  return (reason as NodeJS.ErrnoException).code ?? '';
}

export async function readFileIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (reason) {
    if (errnoOf(reason) === 'ENOENT') return undefined;
    throw reason;
  }
}

/** To read. */
export async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (reason) {
    if (errnoOf(reason) === 'ENOENT') return undefined;
    throw reason;
  }
}

export async function statIfThere(
  path: string,
): Promise<{ readonly size: number; readonly mtimeMs: number } | undefined> {
  try {
    return await stat(path);
  } catch (reason) {
    if (errnoOf(reason) === 'ENOENT') return undefined;
    throw reason;
  }
}

/** Marks a file as used now, unless that was done a moment ago. False if it is gone. */
export async function refreshAge(path: string, changedMs = 0): Promise<boolean> {
  const now = Date.now();
  if (now - changedMs < REFRESH_AFTER_MS) return true;
  try {
    await utimes(path, now / 1000, now / 1000);
    return true;
  } catch (reason) {
    if (errnoOf(reason) === 'ENOENT') return false;
    // Somebody else's file on a shared volume: only its owner can set the age.
    if (errnoOf(reason) === 'EPERM' || errnoOf(reason) === 'EACCES') return true;
    throw reason;
  }
}

/** As `refreshAge`, for a file of unknown age. */
export async function refreshAgeIfOld(path: string): Promise<boolean> {
  const found = await statIfThere(path);
  return found !== undefined && refreshAge(path, found.mtimeMs);
}
