// Runs a process in slow motion: it stands still, and goes on for a moment at a time. So what lasts some milliseconds can be hit in
// its middle by somebody who has to hear of it first. Linux only: it looks into /proc.

import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const MOMENT_MS = 2;
/** How long it stands still after each moment: what it said has arrived then. */
const STILL_MS = 10;
const LIMIT_MS = 60_000;

/**
 * Stops the process at a moment at which `isThere` holds; it stands still then. `stillMs`: the longer, the slower it is.
 * @throws Error — never in a minute
 */
export async function stopWhen(
  pid: number,
  isThere: () => Promise<boolean>,
  stillMs = STILL_MS,
): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (performance.now() < deadline) {
    process.kill(pid, 'SIGSTOP');
    while (!(await isStill(pid))) await delay(1);
    await delay(stillMs);
    if (await isThere()) return;
    process.kill(pid, 'SIGCONT');
    await delay(MOMENT_MS);
  }
  throw new Error(`process ${pid} never got there`);
}

/** Every thread of it stands still: it is stopped. */
export async function isStill(pid: number): Promise<boolean> {
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const path = `/proc/${pid}/task/${thread}/status`;
    if (!/^State:\s+T/m.test(await readFile(path, 'utf8').catch(() => 'State: T'))) return false;
  }
  return true;
}
