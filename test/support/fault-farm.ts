// A farm of real processes that tests may break: nats-server, coordinator, workers; and an observer that writes down every task
// message and every event, without answering any.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect } from 'vitest';

import { FarmClient } from '../../cli/cluster/client.ts';
import { startNatsServer } from '../../cli/cluster/nats-server.ts';
import type { NatsServer } from '../../cli/cluster/nats-server.ts';
import type { WorkerEvent } from '../../common/bus/ports.ts';
import { canonicalJson } from '../../common/canonical-json.ts';
import type { Job } from '../../common/gen/bivdiff/v1/job.ts';
import type { Digest, Pool, Stage, TaskId } from '../../common/task.ts';
import { endOfCli, startCli } from './cli-process.ts';

const root = join(import.meta.dirname, '../..');
/** Longest that a job may take in a fault test, recovery included. */
const JOB_MS = 60_000;

/** What every fault test renders: small, and every stage of the pipeline is in it. */
export const JOB_FLAGS: readonly string[] = [
  ...['--task', 'controlnet', '--control', 'canny'],
  ...['--input', join(root, 'examples/source.mp4'), '--frames', '16', '--stride', '1'],
  ...['--frame-batch', '2', '--steps', '3', '--mixing-ratio', '0.5', '--seed', '7'],
  ...['--prompt', 'a green star moving right on a white background'],
];

/** SHA-256 of the video that an undisturbed single-process `render` makes of these flags. */
export async function referenceOf(flags: readonly string[] = JOB_FLAGS): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-reference-'));
  try {
    const output = join(folder, 'reference.mp4');
    const places = ['--store', join(folder, 'store'), '--output', output];
    const run = await endOfCli(startCli(['render', ...flags, ...places, '--quiet']));
    expect(run.code, run.stderr).toBe(0);
    return await sha256Of(output);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface Program {
  readonly name: string;
  readonly child: ChildProcess;
  /** What it wrote to stderr. */
  readonly log: () => string;
}

export interface FarmOptions {
  readonly workers?: number;
  /** The workers use the store through the coordinator. @default they share its folder */
  readonly isStoreRemote?: boolean;
}

export class FaultFarm {
  readonly folder: string;
  readonly nats: NatsServer;
  readonly workers = new Map<string, Program>();
  /** Every event of a worker, in the order in which it was seen. */
  readonly events: WorkerEvent[] = [];
  readonly client: FarmClient;
  coordinator: Program | undefined;
  readonly #port: number;
  readonly #isStoreRemote: boolean;
  readonly #observer: NatsConnection;
  readonly #programs: Program[] = [];
  readonly #listeners = new Set<(event: WorkerEvent) => void>();

  private constructor(parts: {
    folder: string;
    nats: NatsServer;
    port: number;
    isStoreRemote: boolean;
    observer: NatsConnection;
  }) {
    this.folder = parts.folder;
    this.nats = parts.nats;
    this.#port = parts.port;
    this.#isStoreRemote = parts.isStoreRemote;
    this.#observer = parts.observer;
    this.client = new FarmClient(`127.0.0.1:${parts.port}`);
    this.#observer.subscribe('bivdiff.event', {
      callback: (error, msg) => {
        if (error === null) this.#note(msg.json<WorkerEvent>());
      },
    });
  }

  static async start({ workers = 2, isStoreRemote = false }: FarmOptions = {}): Promise<FaultFarm> {
    const folder = await mkdtemp(join(tmpdir(), 'bivdiff-fault-'));
    const nats = await startNatsServer();
    const observer = await connect({
      servers: nats.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
    });
    const farm = new FaultFarm({ folder, nats, port: await freePort(), isStoreRemote, observer });
    farm.startCoordinator();
    for (let i = 1; i <= workers; i += 1) farm.startWorker(`w${i}`);
    await farm.until('the workers are there', async () => {
      return (await farm.client.workers()).workers.length === workers;
    });
    return farm;
  }

  get store(): string {
    return join(this.folder, 'store');
  }

  startCoordinator(port = this.#port): Program {
    const listen = `127.0.0.1:${port}`;
    const program = this.#spawn('coordinator', [
      ...['coordinator', '--listen', listen],
      ...['--store', this.store],
    ]);
    if (port === this.#port) this.coordinator = program;
    return program;
  }

  startWorker(
    name: string,
    more: readonly string[] = [],
    pools: readonly Pool[] = ['idm', 'mixer', 'vdm'],
  ): Program {
    const store = this.#isStoreRemote ? `grpc://127.0.0.1:${this.#port}` : this.store;
    const program = this.#spawn(name, [
      'worker',
      '--store',
      store,
      '--name',
      name,
      '--threads',
      '1',
      ...pools.flatMap((pool) => ['--pool', pool]),
      ...more,
    ]);
    this.workers.set(name, program);
    return program;
  }

  /** Puts the job on the farm and gives its id. */
  async submit(flags: readonly string[] = JOB_FLAGS): Promise<string> {
    const server = ['--server', `127.0.0.1:${this.#port}`];
    const run = await endOfCli(startCli(['submit', ...flags, ...server, '--json']));
    expect(run.code, run.stderr).toBe(0);
    return (JSON.parse(run.stdout) as { job: string }).job;
  }

  /** The next event, from now on, that fits. */
  next(fits: (event: WorkerEvent) => boolean): Promise<WorkerEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(listen);
        reject(new Error(`no such event came; seen: ${JSON.stringify(this.history())}`));
      }, JOB_MS);
      const listen = (event: WorkerEvent): void => {
        if (!fits(event)) return;
        clearTimeout(timer);
        this.#listeners.delete(listen);
        resolve(event);
      };
      this.#listeners.add(listen);
    });
  }

  started(stage: Stage): Promise<WorkerEvent> {
    return this.next((event) => event.kind === 'started' && event.stage === stage);
  }

  /** Waits for the job's end, which must be a good one, and gives the SHA-256 of its video. */
  async finish(id: string): Promise<string> {
    let job: Job | undefined;
    await this.until(`job ${id} is over`, async () => {
      job = await this.client.get(id);
      return ['done', 'failed', 'cancelled'].includes(job.state);
    });
    expect(job?.state, JSON.stringify(job?.failure)).toBe('done');
    const path = join(this.folder, `${id}.mp4`);
    await this.client.getArtifactFile(job!.outputs[0]!.artifacts[0]!.digest as Digest, path);
    return sha256Of(path);
  }

  /** What each worker said of each task, in short. */
  history(): readonly string[] {
    return this.events.map((event) => `${event.kind} ${event.taskId.slice(0, 8)} ${event.worker}`);
  }

  /** How often each task was begun. */
  starts(): ReadonlyMap<TaskId, number> {
    const starts = new Map<TaskId, number>();
    for (const event of this.events) {
      if (event.kind !== 'started') continue;
      starts.set(event.taskId, (starts.get(event.taskId) ?? 0) + 1);
    }
    return starts;
  }

  /** Every task has one result, whoever committed it; nothing was committed twice with other bytes. */
  checkHistory({ extraStartsMax }: { readonly extraStartsMax: number }): void {
    const outputs = new Map<TaskId, string>();
    for (const event of this.events) {
      expect(event.kind).not.toBe('diverged');
      if (event.kind !== 'committed') continue;
      const made = canonicalJson(event.record.outputs);
      expect(outputs.get(event.taskId) ?? made).toBe(made);
      outputs.set(event.taskId, made);
    }
    const extra = [...this.starts().values()].reduce((sum, count) => sum + count - 1, 0);
    expect(extra, this.history().join('\n')).toBeLessThanOrEqual(extraStartsMax);
  }

  async until(what: string, isSo: () => Promise<boolean>, limitMs = JOB_MS): Promise<void> {
    const deadline = performance.now() + limitMs;
    let last: unknown;
    while (performance.now() < deadline) {
      try {
        if (await isSo()) return;
      } catch (reason) {
        last = reason;
      }
      await delay(100);
    }
    const logs = this.#programs.map(({ name, log }) => `${name}: ${log().slice(-1500)}`).join('\n');
    throw new Error(
      `waited in vain until ${what}; ${String(last)}\n${this.history().slice(-20).join('\n')}\n${logs}`,
    );
  }

  async close(): Promise<void> {
    this.client.close();
    for (const { child } of this.#programs) await killed(child);
    await this.#observer.close();
    await this.nats.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  #note(event: WorkerEvent): void {
    this.events.push(event);
    for (const listen of [...this.#listeners]) listen(event);
  }

  #spawn(name: string, args: readonly string[]): Program {
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        join(root, 'cli/main.ts'),
        ...args,
        ...['--nats', this.nats.url],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
    const program = { name, child, log: () => log };
    this.#programs.push(program);
    return program;
  }
}

/** SIGKILL, and wait for the end; nothing if it has ended. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function sha256Of(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
