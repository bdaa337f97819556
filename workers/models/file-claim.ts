// Lets one process of a machine do what others want done too: a file stands for it, and is touched while it works. One that is touched no more was left
// by a process that died, and the next takes its place. Should two work at once after all, each makes the same.

import { open, rm, stat, utimes } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const TOUCH_MS = 2_000;
const LOOK_MS = 200;
/** Many touches: a machine that swaps is slow. */
const STALE_MS = 20_000;

export interface ClaimOptions {
  /** What the file stands for is done already, by whoever. Asked again and again while another works. */
  readonly isDone: () => Promise<boolean>;
  /** How long nothing may be heard of another. @default 20 s */
  readonly staleMs?: number;
}

/**
 * Runs `work` unless it is done, or another process does it. The wait is as long as the other works.
 * @throws whatever `work` throws; an error of the file system
 */
export async function withClaim(
  path: string,
  work: () => Promise<void>,
  { isDone, staleMs = STALE_MS }: ClaimOptions,
): Promise<void> {
  const mostSilent = Math.ceil(staleMs / LOOK_MS);
  // In looks, not in time: a process that was itself stopped for long heard nothing of anybody.
  let silentLooks = 0;
  let touched: number | undefined;
  while (!(await isDone())) {
    if (await isTaken(path)) {
      await whileTouching(path, work);
      return;
    }
    // By the other's touches, not by its clock: a shared folder may have one of its own.
    const now = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
    silentLooks = now === touched ? silentLooks + 1 : 0;
    touched = now;
    if (silentLooks > mostSilent) await rm(path, { force: true });
    await delay(LOOK_MS);
  }
}

/** True if it is ours now. */
async function isTaken(path: string): Promise<boolean> {
  try {
    await (await open(path, 'wx')).close();
    return true;
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw reason;
  }
}

async function whileTouching(path: string, work: () => Promise<void>): Promise<void> {
  const timer = setInterval(() => {
    const now = new Date();
    // Taken by another who heard nothing of us: then both work.
    utimes(path, now, now).catch(() => undefined);
  }, TOUCH_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
    await rm(path, { force: true });
  }
}
