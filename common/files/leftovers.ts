// What a killed process leaves behind: names that say which process made a file or folder, and the removal of those whose process is
// gone. Knows nothing of what is in them.

import { randomBytes } from 'node:crypto';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { identityOfText, isGone, ownIdentity, textOfIdentity } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** Of a process that cannot be asked for, on another machine or in another container: nothing is left alone for so long. */
const STALE_MS = 24 * 60 * 60 * 1000;

let identity: Promise<ProcessIdentity> | undefined;

/** The prefix, and then whose it is: `<prefix>machine.pid.started.` */
export async function ownPrefix(prefix: string): Promise<string> {
  identity ??= ownIdentity();
  return `${prefix}${textOfIdentity(await identity)}.`;
}

/** A name that no process has used. */
export async function ownName(prefix: string, ending: string): Promise<string> {
  return `${await ownPrefix(prefix)}${randomBytes(4).toString('hex')}${ending}`;
}

export interface LeftoverOptions {
  /** Whether another process than its maker uses it. @default none does */
  readonly isInUse?: (path: string) => Promise<boolean>;
}

/**
 * Removes what lies in a folder under a name of `ownName` or `ownPrefix`, whose prefix begins with `prefix`, and whose process is gone.
 * Never fails: what cannot be removed is left.
 */
export async function removeLeftovers(
  folder: string,
  prefix: string,
  { isInUse = () => Promise.resolve(false) }: LeftoverOptions = {},
): Promise<void> {
  const own = await (identity ??= ownIdentity());
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    // The prefix may go on: its purpose, then the identity.
    const maker = name.startsWith(prefix)
      ? identityOfText(name.slice(name.lastIndexOf('-') + 1))
      : undefined;
    if (maker === undefined) continue;
    const path = join(folder, name);
    const isLeft = maker.machine === own.machine ? await isGone(maker, own) : await isStale(path);
    if (!isLeft || (await isInUse(path))) continue;
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function isStale(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > STALE_MS;
}
