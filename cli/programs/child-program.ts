// One of our programs as a process of its own, started again when it dies.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import { NODE_ENVIRONMENT } from '../../common/node-flags.ts';
import type { TextSink } from '../terminal.ts';

const RESTART_MS = 500;

export interface ChildProgramOptions {
  /** What it is called where its end is told. */
  readonly name: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Takes what it says on its own. */
  readonly stderr: TextSink;
  /** Also after exit code 0, which a drained worker has. */
  readonly isAlwaysRestarted: boolean;
}

export class ChildProgram {
  /** Fulfilled once it has ended and is not started again. */
  readonly ended: Promise<void>;
  readonly #options: ChildProgramOptions;
  readonly #stopping = new AbortController();
  #process: ChildProcess | undefined;

  /** Starts it. */
  constructor(options: ChildProgramOptions) {
    this.#options = options;
    this.ended = this.#keepRunning();
  }

  get name(): string {
    return this.#options.name;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** By SIGTERM, and by force after so long. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.#process?.kill('SIGTERM');
    const timer = setTimeout(() => this.#process?.kill('SIGKILL'), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  async #keepRunning(): Promise<void> {
    const { name, stderr, isAlwaysRestarted } = this.#options;
    const { signal } = this.#stopping;
    for (;;) {
      const how = await this.#runOnce();
      if (signal.aborted || (how === 0 && !isAlwaysRestarted)) return;
      stderr.write(`${name} ended (${how}); it is started again\n`);
      const isOver = await delay(RESTART_MS, false, { signal }).catch(() => true);
      if (isOver) return;
    }
  }

  /** How it ended: its exit code, or the signal that ended it. */
  async #runOnce(): Promise<number | string> {
    const { command, stderr } = this.#options;
    const [program = '', ...args] = command;
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...NODE_ENVIRONMENT, ...process.env },
      // A Ctrl-C in the terminal is ours to pass on, in the right order.
      detached: true,
    });
    this.#process = child;
    child.stderr.on('data', (chunk: Buffer) => stderr.write(chunk.toString()));
    try {
      const [code, killedBy] = (await once(child, 'exit')) as [number | null, string | null];
      return killedBy ?? code ?? 'unknown';
    } catch (reason) {
      // It could not be started.
      return reason instanceof Error ? reason.message : String(reason);
    }
  }
}
