// Runs the real command line as a process, for tests that need what a user gets: exit code, output, signals.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';

import { NODE_ENVIRONMENT, NODE_FLAGS } from '../../common/node-flags.ts';

const root = join(import.meta.dirname, '../..');

export interface CliRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `bivdiff ARGS` on this test's Node. */
export function startCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [...NODE_FLAGS, join(root, 'cli/main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...NODE_ENVIRONMENT, ...process.env, ...env },
  });
}

/** Waits for its end. */
export async function endOfCli(child: ChildProcess): Promise<CliRun> {
  const [stdout, stderr, end] = await Promise.all([
    textOf(child.stdout!),
    textOf(child.stderr!),
    new Promise<Pick<CliRun, 'code' | 'signal'>>((resolve) => {
      child.once('close', (code, signal) => {
        resolve({ code, signal });
      });
    }),
  ]);
  return { ...end, stdout, stderr };
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
