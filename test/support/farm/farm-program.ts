// One program of a farm as a process that tests may break: killed, stopped, behind a proxy, on a small disk, with a clock of its own.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { NODE_ENVIRONMENT, NODE_FLAGS } from '../../../common/node-flags.ts';
import { FAIL_AT_VARIABLE } from './arm-failure-point.ts';
import type { FailAt } from './arm-failure-point.ts';

const main = join(import.meta.dirname, '../../../cli/main.ts');
const ARM = join(import.meta.dirname, 'arm-failure-point.ts');

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
  /** Where it dies, or stands still. @default nowhere */
  readonly failAt?: FailAt;
}

export function startProgram(
  name: string,
  args: readonly string[],
  { prefix = [], env = {}, failAt }: Surroundings,
): Program {
  const armed = failAt === undefined ? [] : ['--import', ARM];
  const node = [process.execPath, ...NODE_FLAGS, ...armed, main];
  const [command = '', ...rest] = [...prefix, ...node, ...args];
  const child = spawn(command, rest, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...NODE_ENVIRONMENT,
      ...process.env,
      ...env,
      ...(failAt && { [FAIL_AT_VARIABLE]: JSON.stringify(failAt) }),
    },
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  return { name, child, log: () => log };
}

export function isAlive({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** Waits until it is dead: at the point that it was armed for, where nobody else kills it. */
export async function died({ child }: Program): Promise<void> {
  if (isAlive(child)) await once(child, 'exit');
}

/** SIGKILL, and wait for the end; nothing if it has ended. */
export async function killed(child: ChildProcess): Promise<void> {
  if (!isAlive(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
