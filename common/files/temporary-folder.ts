// Folders of this process in the system's folder for temporary files. One that makes such a folder removes first what killed processes
// have left there.

import { mkdtemp, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { BivdiffError } from '../errors.ts';
import { cannotWrite } from '../write-failure.ts';
import { ownPrefix, removeLeftovers } from './leftovers.ts';

const PREFIX = 'bivdiff-';
/** Well below the time after which others take a folder for left over whose process they cannot ask for. */
const TOUCH_MS = 60 * 60 * 1000;

/** A file in such a folder that names a process which uses it too, and may live longer than its maker. */
export const USER_PID_FILE = 'user.pid';

/** Removed with everything in it when it is disposed of. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

let clearing: Promise<void> | undefined;

/**
 * A new folder that only this user can read.
 * @param purpose - one lower-case word, for whoever looks into the folder of temporary files
 * @throws resource-exhausted, failed-precondition — it cannot be made; says how to choose another place
 */
export async function makeTemporaryFolder(purpose: string): Promise<TemporaryFolder> {
  clearing ??= removeLeftovers(tmpdir(), PREFIX, { isInUse });
  await clearing;
  const prefix = join(tmpdir(), await ownPrefix(`${PREFIX}${purpose}-`));
  const path = await mkdtemp(prefix).catch((reason: unknown) => {
    throw temporaryFailure(reason, tmpdir());
  });
  const timer = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, TOUCH_MS).unref();
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await rm(path, { recursive: true, force: true });
    },
  };
}

/**
 * Anything caught while files were written to a temporary folder. If it is of such a file, it says what can be done about it: nobody chose
 * its place, so what is said of files elsewhere does not help.
 */
export function temporaryFailure(reason: unknown, folder: string): BivdiffError {
  const error = reason instanceof BivdiffError ? reason : cannotWrite(folder, reason);
  const { code, message, details } = error;
  const { path } = details;
  const isThere = typeof path === 'string' && path.startsWith(folder);
  if (reason instanceof BivdiffError && !isThere) return error;
  const hint = `It is written to ${tmpdir()} for as long as it is needed: make room there, or let TMPDIR name a folder on another disk that this user may write to.`;
  switch (code) {
    case 'resource-exhausted':
      return new BivdiffError(code, message, { hint, details, cause: error });
    // Another worker has another folder.
    case 'permission-denied':
    case 'not-found':
      return new BivdiffError('failed-precondition', message, { hint, details, cause: error });
    default:
      return error;
  }
}

/** The maker may have been killed alone. */
async function isInUse(folder: string): Promise<boolean> {
  const pid = Number(await readFile(join(folder, USER_PID_FILE), 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
  } catch (reason) {
    return (reason as NodeJS.ErrnoException).code !== 'ESRCH';
  }
  // Another may have got its number since. Where that cannot be seen, it is left.
  const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => folder);
  return words.includes(folder);
}
