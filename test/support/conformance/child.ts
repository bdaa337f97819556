// Runs a script of this folder, or below, as a process of its own, to be waited for or killed.

import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export interface Child {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly lines: AsyncIterableIterator<string>;
  /** Everything it printed from here on, once it has ended; fails unless it ends by itself with 0. */
  output(): Promise<string[]>;
}

export interface ChildOptions {
  /** A command that runs the rest of its arguments. @default none */
  readonly prefix?: readonly string[];
}

export function startChild(
  script: string,
  args: readonly string[],
  options: ChildOptions = {},
): Child {
  const path = join(import.meta.dirname, script);
  const [command, ...rest] = [...(options.prefix ?? []), process.execPath, path, ...args];
  const child = spawn(command!, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close') as Promise<[number | null, string | null]>;
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    lines,
    output: async () => {
      const all: string[] = [];
      for await (const line of lines) all.push(line);
      const [code, signal] = await ended;
      if (code !== 0) throw new Error(`${script} ended with ${code ?? signal}: ${errors.join('')}`);
      return all;
    },
  };
}
