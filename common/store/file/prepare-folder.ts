// Whether a directory is fit to be a store: makes it if it is new, refuses one that is not a store, is newer than this program, or
// lies where names cannot be put atomically. Clears away what processes that are gone left half-written.

import { lstat, mkdir, readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { BivdiffError } from '../../errors.ts';
import { checkMark, FORMAT_MARK } from '../format-mark.ts';
import {
  errnoOf,
  linkIfAbsent,
  syncFolders,
  unlinkIfThere,
  writeNewFile,
  writeNewFileSynced,
} from './file-operations.ts';
import { identityOfText, isGone } from '../../files/process-identity.ts';
import type { ProcessIdentity } from '../../files/process-identity.ts';
import type { StoreFolder } from './store-folder.ts';

const FORMAT_FILE = 'format.json';

/** What may lie in a directory that another process is turning into a store, or in any empty volume. */
const HARMLESS = /^(\.|lost\+found$|artifacts$|records$|documents$|quarantine$|tmp$|format\.json$)/;

/** No write takes this long; what is older is left over, whoever began it. */
const STALE_MS = 24 * 60 * 60 * 1000;

/** @throws failed-precondition — see the head of this file */
export async function prepareFolder(folder: StoreFolder): Promise<void> {
  const { root, artifacts, records, documents, quarantine, temporary } = folder;
  await mkdir(root, { recursive: true });
  if (!(await hasFormat(root))) {
    await refuseForeign(root);
    await mkdir(temporary, { recursive: true });
    await writeFormat(folder);
  }
  for (const area of [artifacts, records, documents, quarantine, temporary]) {
    await mkdir(area, { recursive: true });
  }
  await syncFolders(root, root);
  for (const area of [artifacts, records, documents]) await probeLinks(folder, area);
}

/** Removes temporary files whose writers are gone. One that cannot be removed is left: it does no harm. */
export async function removeStaleFiles(folder: StoreFolder, own: ProcessIdentity): Promise<void> {
  for (const name of await readdir(folder.temporary)) {
    const path = join(folder.temporary, name);
    const writer = identityOfText(name);
    const found = await lstat(path).catch(() => undefined);
    if (found?.isFile() !== true) continue;
    const isStale =
      Date.now() - found.mtimeMs > STALE_MS ||
      (writer !== undefined && (await isGone(writer, own)));
    if (isStale) await unlinkIfThere(path).catch(() => undefined);
  }
}

async function hasFormat(root: string): Promise<boolean> {
  let text: string;
  try {
    text = await readFile(join(root, FORMAT_FILE), 'utf8');
  } catch (reason) {
    if (errnoOf(reason) === 'ENOENT') return false;
    throw reason;
  }
  checkMark(text, { mark: join(root, FORMAT_FILE), store: root, place: 'directory' });
  return true;
}

async function refuseForeign(root: string): Promise<void> {
  const foreign = (await readdir(root)).filter((name) => !HARMLESS.test(name));
  if (foreign.length === 0) return;
  throw new BivdiffError(
    'failed-precondition',
    `${root} is not a store, and not empty: it holds ${foreign.slice(0, 3).join(', ')}${foreign.length > 3 ? ', …' : ''}`,
    { hint: 'Name an empty or a new directory for the store.', details: { store: root } },
  );
}

async function writeFormat(folder: StoreFolder): Promise<void> {
  const path = folder.temporaryPath();
  try {
    await writeNewFileSynced(path, Buffer.from(FORMAT_MARK));
    await linkIfAbsent(path, join(folder.root, FORMAT_FILE));
  } finally {
    await unlinkIfThere(path);
  }
}

/**
 * Everything rests on this: that a file can be given its name in one step, and that this fails if the name is taken.
 * Some file systems (FAT, some network shares) cannot, and a link between two file systems cannot either.
 */
async function probeLinks(folder: StoreFolder, area: string): Promise<void> {
  const source = folder.temporaryPath();
  const target = join(area, `.probe.${basename(source)}`);
  const refuse = (why: string, cause?: unknown): BivdiffError =>
    new BivdiffError('failed-precondition', `the store ${folder.root} cannot lie there: ${why}`, {
      hint: 'Put it, as a whole, on one local or NFS file system with hard links.',
      cause,
    });
  try {
    await writeNewFile(source, Buffer.from('probe'));
    let isFree: boolean;
    try {
      isFree = await linkIfAbsent(source, target);
    } catch (reason) {
      const unable = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK'];
      if (!unable.includes(errnoOf(reason))) throw reason;
      throw refuse(
        `no hard link from ${folder.temporary} into ${area} (${errnoOf(reason)})`,
        reason,
      );
    }
    if (!isFree || (await linkIfAbsent(source, target))) {
      throw refuse(`hard links into ${area} do not keep a name that is taken`);
    }
  } finally {
    await unlinkIfThere(target);
    await unlinkIfThere(source);
  }
}
