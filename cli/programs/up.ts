// `bivdiff up`: a whole small farm on this machine, for trying it out: nats-server, a coordinator and workers as processes of
// their own. What dies is started again.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import { openDevice } from '../../workers/inference/device.ts';
import type { TextSink } from '../terminal.ts';
import { FarmClient } from '../farm/farm-client.ts';
import { checkUpMemory } from './preflight/up-memory.ts';
import { startNatsServer } from './nats-server.ts';
import { BivdiffError } from '../../common/errors.ts';
import { NODE_ENVIRONMENT } from '../../common/node-flags.ts';

/** Workers may finish what they run; see the drain time in worker-program.ts. */
const STOP_MS = 30_000;
const RESTART_MS = 500;
const READY_MS = 60_000;

export interface UpSettings {
  readonly workers: number;
  readonly slots: number;
  readonly threads: number;
  /** Where graphs run: `cpu`, `cuda:1`. */
  readonly device: string;
  /** That models and their runs may fill, in all workers together. @default most of the device */
  readonly memoryBytes?: number | undefined;
  /** HOST:PORT of the coordinator. */
  readonly listen: string;
  readonly natsPort: number;
  readonly storeFolder: string;
  readonly modelsFolder: string;
  /** The program and its first arguments. */
  readonly program: readonly string[];
  readonly stdout: TextSink;
  readonly stderr: TextSink;
}

/** Runs until the signal aborts. @throws as `startNatsServer`, `openDevice`, `checkUpMemory` */
export async function runUp(settings: UpSettings, signal: AbortSignal): Promise<void> {
  const { listen, storeFolder, modelsFolder, stdout } = settings;
  const device = await openDevice(settings.device, { signal });
  const { inferenceClass } = device;
  const { workers, slots, memoryBytes = device.memoryBytes } = settings;
  await checkUpMemory(modelsFolder, { workers, slots, memoryBytes });
  const gib = String(memoryBytes / workers / 2 ** 30);
  const nats = await startNatsServer({ port: settings.natsPort });
  const shared = ['--nats', nats.url, '--store', storeFolder, '--models', modelsFolder];
  const children = [
    new Child(settings, 'coordinator', [
      ...['coordinator', ...shared, '--listen', listen, '--numerics', inferenceClass],
    ]),
    ...Array.from({ length: workers }, (_, i) => {
      const name = `worker-${i + 1}`;
      const pools = ['idm', 'mixer', 'vdm'].flatMap((pool) => ['--pool', pool]);
      const size = [
        ...['--device', settings.device],
        ...['--slots', String(slots), '--threads', String(settings.threads)],
        ...['--memory-gib', gib],
      ];
      return new Child(settings, name, ['worker', ...shared, '--name', name, ...pools, ...size]);
    }),
  ];
  try {
    for (const child of children) child.start();
    await waitUntilReady(settings, signal);
    stdout.write(`nats-server   pid ${nats.pid ?? 0}  ${nats.url}\n`);
    for (const child of children) stdout.write(`${child.name.padEnd(13)} pid ${child.pid ?? 0}\n`);
    stdout.write(`ready at ${listen}; the store is ${storeFolder}; Ctrl-C ends it\n`);
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    const [coordinator, ...workers] = children;
    await Promise.all(workers.map((worker) => worker.stop()));
    await coordinator?.stop();
    await nats.close();
  }
}

async function waitUntilReady({ listen, workers }: UpSettings, signal: AbortSignal): Promise<void> {
  const client = new FarmClient(listen);
  const deadline = performance.now() + READY_MS;
  try {
    while (!signal.aborted) {
      const seen = await client.workers().then(
        (response) => response.workers.length,
        () => -1,
      );
      if (seen >= workers) return;
      if (performance.now() > deadline) {
        throw new BivdiffError('deadline-exceeded', 'the farm did not get ready within a minute', {
          hint: 'The lines above say what its programs are at.',
        });
      }
      await delay(100, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    client.close();
  }
}

/** One program of the farm, started again when it dies. */
class Child {
  readonly name: string;
  readonly #settings: UpSettings;
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;
  #isStopping = false;

  constructor(settings: UpSettings, name: string, args: readonly string[]) {
    this.#settings = settings;
    this.name = name;
    this.#args = args;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  start(): void {
    const { program, stderr } = this.#settings;
    const [command = '', ...first] = program;
    const child = spawn(command, [...first, ...this.#args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...NODE_ENVIRONMENT, ...process.env },
      // A Ctrl-C in the terminal is ours to pass on, in the right order.
      detached: true,
    });
    this.#process = child;
    child.stderr.on('data', (chunk: Buffer) => stderr.write(chunk.toString()));
    child.once('exit', (code, how) => {
      if (this.#isStopping) return;
      stderr.write(`${this.name} ended (${how ?? code ?? ''}); it is started again\n`);
      setTimeout(() => {
        if (!this.#isStopping) this.start();
      }, RESTART_MS);
    });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const child = this.#process;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(timer);
  }
}
