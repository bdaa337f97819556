// Runs a peer's own program and reads the one JSON object that it prints last.

import { spawn } from 'node:child_process';

import { BivdiffError } from '../../../common/errors.ts';

/** Characters of a failed peer's last words that the error carries. */
const STDERR_KEPT = 4_000;
const GRACE_MS = 10_000;

/**
 * @throws deadline-exceeded — it took longer than `timeoutMs`; it is stopped then
 * @throws internal — it failed; the end of what it said is in the message
 */
export async function runPeer(
  command: readonly [string, ...string[]],
  timeoutMs: number,
): Promise<unknown> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => (stdout += String(bytes)));
  child.stderr.on(
    'data',
    (bytes: Buffer) => (stderr = (stderr + String(bytes)).slice(-STDERR_KEPT)),
  );
  // Asked first, so that it can end its workers; made to, if it does not.
  const timers = [
    setTimeout(() => child.kill('SIGTERM'), timeoutMs),
    setTimeout(() => child.kill('SIGKILL'), timeoutMs + GRACE_MS),
  ];
  const begunMs = performance.now();
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0 && performance.now() - begunMs >= timeoutMs) {
      throw new BivdiffError('deadline-exceeded', `${args[0]} took over ${timeoutMs / 1000} s`);
    }
    if (code !== 0) throw new BivdiffError('internal', `${args[0]} exited with ${code}: ${stderr}`);
  } finally {
    timers.forEach(clearTimeout);
  }
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}
