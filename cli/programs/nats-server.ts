// The nats-server program: finds it, gets it if need be, and runs one on loopback. Knows nothing of what goes over it.

import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { BivdiffError } from '../../common/errors.ts';
import { makeTemporaryFolder, USER_PID_FILE } from '../../common/files/temporary-folder.ts';
import type { TemporaryFolder } from '../../common/files/temporary-folder.ts';

const run = promisify(execFile);

/** Debian's 2.9 ignores settings silently; this line is what the tests run against. */
const VERSION = 'v2.15.2';
const MODULE = `github.com/nats-io/nats-server/v2@${VERSION}`;
const BUILD_MS = 600_000;
const START_MS = 10_000;
const STOP_MS = 5_000;

/**
 * Where nats-server is: on PATH or in the cache, else built there with Go.
 * @throws failed-precondition — it is nowhere and cannot be built; says what to install
 */
export async function findNatsServer(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const cache = join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'bivdiff/bin');
  const folders = [...(env['PATH'] ?? '').split(delimiter), cache];
  for (const folder of folders) {
    const path = join(folder, 'nats-server');
    if (folder !== '' && (await isUsable(path))) return path;
  }
  await mkdir(cache, { recursive: true });
  try {
    await run('go', ['install', '-trimpath', '-ldflags', '-s -w', MODULE], {
      env: { ...env, GOBIN: cache, CGO_ENABLED: '0' },
      timeout: BUILD_MS,
    });
  } catch (reason) {
    throw new BivdiffError('failed-precondition', 'nats-server is not installed', {
      cause: reason,
      hint: `Install nats-server ${VERSION} or newer and put it on PATH (https://docs.nats.io/running-a-nats-service/introduction/installation), or install Go, with which it is built from ${MODULE}.`,
    });
  }
  return join(cache, 'nats-server');
}

/** Executable, and not older than 2.10. */
async function isUsable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await run(path, ['--version']);
    const [, major, minor] = /v(\d+)\.(\d+)/.exec(stdout) ?? [];
    return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 10);
  } catch {
    return false;
  }
}

export interface NatsServerOptions {
  /** @default any free one */
  readonly port?: number;
  /** Further lines of its configuration. */
  readonly settings?: readonly string[];
}

/** A nats-server with JetStream, on loopback. */
export class NatsServer {
  readonly #program: string;
  readonly #place: TemporaryFolder;
  readonly #settings: readonly string[];
  #port: number;
  #child: ChildProcess | undefined;
  #log = '';

  /** Use `startNatsServer`. */
  constructor(
    program: string,
    place: TemporaryFolder,
    { port = -1, settings = [] }: NatsServerOptions,
  ) {
    this.#program = program;
    this.#place = place;
    this.#settings = settings;
    this.#port = port;
  }

  get #folder(): string {
    return this.#place.path;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** What it said last; for errors. */
  get log(): string {
    return this.#log.slice(-4_000);
  }

  /** Starts it, on the same port as before. */
  async start(): Promise<void> {
    const ports = join(this.#folder, 'ports');
    await rm(ports, { recursive: true, force: true });
    await mkdir(ports, { recursive: true });
    const config = join(this.#folder, 'nats.conf');
    await writeFile(config, this.#configText(ports));
    const child = spawn(this.#program, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => {
      this.#log = (this.#log + chunk.toString()).slice(-16_000);
    });
    const deadline = performance.now() + START_MS;
    while (performance.now() < deadline && child.exitCode === null) {
      const port = await readPort(ports);
      if (port !== undefined) {
        this.#port = port;
        return;
      }
      await delay(10);
    }
    child.kill('SIGKILL');
    throw new BivdiffError('unavailable', `nats-server did not start: ${this.log}`, {
      hint: 'Is the port taken? Choose another with --nats-port.',
    });
  }

  /** Sends a signal; SIGKILL waits for the end. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    if (signal === 'SIGKILL') await ended;
  }

  /** Removes what it stored, as a lost disk would. Only while it is stopped. */
  async deleteData(): Promise<void> {
    await rm(join(this.#folder, 'jetstream'), { recursive: true, force: true });
  }

  #configText(ports: string): string {
    return [
      `host: "127.0.0.1"`,
      `port: ${this.#port}`,
      `ports_file_dir: ${JSON.stringify(ports)}`,
      // It outlives a program that is killed, and needs its folder.
      `pid_file: ${JSON.stringify(join(this.#folder, USER_PID_FILE))}`,
      `jetstream { store_dir: ${JSON.stringify(join(this.#folder, 'jetstream'))} }`,
      ...this.#settings,
      '',
    ].join('\n');
  }

  async close(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await Promise.race([ended, delay(STOP_MS, undefined, { ref: false })]);
      await this.signal('SIGKILL');
    }
    await this.#place[Symbol.asyncDispose]();
  }
}

export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const program = await findNatsServer();
  const server = new NatsServer(program, await makeTemporaryFolder('nats'), options);
  try {
    await server.start();
    return server;
  } catch (reason) {
    await server.close();
    throw reason;
  }
}

async function readPort(folder: string): Promise<number | undefined> {
  const [name] = await readdir(folder);
  if (name === undefined) return undefined;
  const text = await readFile(join(folder, name), 'utf8');
  const url = /"nats:\/\/[^"]*:(\d+)"/.exec(text)?.[1];
  return url === undefined ? undefined : Number(url);
}
