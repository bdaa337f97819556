// One program of a farm as a process that tests may break: killed, stopped, behind a proxy, on a small disk, with a clock of its own.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const main = join(import.meta.dirname, '../../../cli/main.ts');

export interface Program {
  readonly name: string;
  readonly child: ChildProcess;
  /** What it wrote to stderr. */
  readonly log: () => string;
}

/** Where a program of the farm runs, where that differs from the rest of the farm. */
export interface Surroundings {
  /** NATS as this program sees it: a proxy, say. @default the farm's */
  readonly nats?: string;
  /** A folder, or whatever else `--store` takes. @default the farm's */
  readonly store?: string;
  /** Runs the rest of its arguments: in another mount namespace, say. */
  readonly prefix?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export function startProgram(
  name: string,
  args: readonly string[],
  { prefix = [], env = {} }: Surroundings,
): Program {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', main];
  const [command = '', ...rest] = [...prefix, ...node, ...args];
  const child = spawn(command, rest, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  return { name, child, log: () => log };
}

export function isAlive({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** SIGKILL, and wait for the end; nothing if it has ended. */
export async function killed(child: ChildProcess): Promise<void> {
  if (!isAlive(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
