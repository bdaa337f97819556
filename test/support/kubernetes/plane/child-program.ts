// A program of a control plane as a process: its log in a file, and dead when this process is, whatever ended it.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';

import { isAlive, killed } from '../../farm/farm-program.ts';
import { WITH_PARENT } from './with-parent.ts';

export class ChildProgram {
  readonly name: string;
  /** What it writes to stdout and stderr, over all starts. */
  readonly logPath: string;
  readonly #command: readonly string[];
  #child: ChildProcess | undefined;

  constructor(name: string, command: readonly string[], logPath: string) {
    this.name = name;
    this.logPath = logPath;
    this.#command = command;
  }

  /** It was started, and runs no more. */
  get hasEnded(): boolean {
    return this.#child !== undefined && !isAlive(this.#child);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts it, again if it has ended. What it is given stays the same. */
  async start(): Promise<void> {
    const log = await open(this.logPath, 'a');
    try {
      const [command = '', ...args] = [...WITH_PARENT, ...this.#command];
      this.#child = spawn(command, args, { stdio: ['ignore', log.fd, log.fd] });
      await once(this.#child, 'spawn');
    } finally {
      await log.close();
    }
  }

  /** SIGSTOP for one that hangs, SIGCONT after it, SIGTERM for one that is asked to end. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** SIGKILL, and wait for the end. */
  async kill(): Promise<void> {
    if (this.#child !== undefined) await killed(this.#child);
  }

  /** The end of its log. */
  async lastWords(lines = 20): Promise<string> {
    const text = await readFile(this.logPath, 'utf8').catch(() => '');
    return text.trimEnd().split('\n').slice(-lines).join('\n');
  }
}
