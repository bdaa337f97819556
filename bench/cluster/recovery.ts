// How long a farm of real programs needs to go on after SIGKILL of a worker, the coordinator, nats-server; and how long a worker goes on after
// a cancel. With the shipped models.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';

import { FarmClient } from '../../cli/farm/farm-client.ts';
import { startNatsServer } from '../../cli/programs/nats-server.ts';
import type { NatsServer } from '../../cli/programs/nats-server.ts';
import { decodeEvents } from '../../common/bus/nats/messages/worker-events.ts';
import { EVENT_SUBJECT, PROGRESS_SUBJECT } from '../../common/bus/nats/subjects.ts';
import type { WorkerEvent } from '../../common/bus/ports.ts';
import { BivdiffError } from '../../common/errors.ts';
import { endOfCli, startCli } from '../../test/support/cli-process.ts';
import { killed, startProgram } from '../../test/support/farm/farm-program.ts';
import type { Program } from '../../test/support/farm/farm-program.ts';
import { freePort } from '../../test/support/network/ports.ts';

const ROUNDS = 3;
const WAIT_MS = 60_000;
const ROOT = join(import.meta.dirname, '../..');

export interface RecoveryFigures {
  /** Seconds from the kill to the start of the killed worker's task on another. */
  readonly workerSeconds: readonly number[];
  /** Seconds from the kill to the next start of a task; the program is started again at once. */
  readonly coordinatorSeconds: readonly number[];
  readonly natsSeconds: readonly number[];
  /** From the client's call to the worker's word that the task has stopped, and a step of that task. */
  readonly cancels: readonly { readonly milliseconds: number; readonly stepMilliseconds: number }[];
}

export async function measureRecovery(): Promise<RecoveryFigures> {
  const farm = await RecoveryFarm.start();
  const figures = {
    workerSeconds: [] as number[],
    coordinatorSeconds: [] as number[],
    natsSeconds: [] as number[],
    cancels: [] as { milliseconds: number; stepMilliseconds: number }[],
  };
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      figures.cancels.push(await measureCancel(farm, round));
      const job = await farm.submit({ steps: 10, seed: 100 + round });
      figures.workerSeconds.push(await measureWorker(farm, round));
      await farm.next((event) => event.kind === 'started');
      figures.coordinatorSeconds.push(await measureStart(farm, () => farm.restartCoordinator()));
      await farm.next((event) => event.kind === 'started');
      figures.natsSeconds.push(await measureStart(farm, () => farm.restartNats()));
      await farm.client.cancel(job).catch(() => undefined);
    }
    return figures;
  } finally {
    await farm.close();
  }
}

async function measureWorker(farm: RecoveryFarm, round: number): Promise<number> {
  const begun = await farm.next((event) => event.kind === 'started' && event.stage === 'generate');
  const begunMs = performance.now();
  await killed(farm.workers.get(begun.worker)!.child);
  await farm.next((event) => event.kind === 'started' && event.taskId === begun.taskId);
  const seconds = (performance.now() - begunMs) / 1000;
  farm.startWorker(`next-${round}`);
  return seconds;
}

async function measureStart(farm: RecoveryFarm, fault: () => Promise<void>): Promise<number> {
  const begunMs = performance.now();
  await fault();
  await farm.next((event) => event.kind === 'started');
  return (performance.now() - begunMs) / 1000;
}

async function measureCancel(farm: RecoveryFarm, round: number) {
  const job = await farm.submit({ steps: 50, seed: 200 + round });
  const stepsMs: number[] = [];
  const second = await farm.next((event) => {
    if (event.kind === 'progress') stepsMs.push(performance.now());
    return event.kind === 'progress' && event.step > 3 && stepsMs.length > 8;
  });
  const begunMs = performance.now();
  const stopped = farm.next((event) => event.kind === 'failed' && event.taskId === second.taskId);
  await farm.client.cancel(job);
  await stopped;
  const milliseconds = performance.now() - begunMs;
  // Three workers are at it, each with steps of its own.
  const stepMilliseconds = (3 * (stepsMs.at(-1)! - stepsMs[0]!)) / (stepsMs.length - 1);
  return { milliseconds, stepMilliseconds };
}

interface JobChoice {
  readonly steps: number;
  readonly seed: number;
}

class RecoveryFarm {
  readonly client: FarmClient;
  readonly workers = new Map<string, Program>();
  readonly #folder: string;
  readonly #nats: NatsServer;
  readonly #server: string;
  readonly #observer: NatsConnection;
  readonly #listeners = new Set<(event: WorkerEvent) => void>();
  #coordinator: Program | undefined;

  private constructor(parts: {
    readonly folder: string;
    readonly nats: NatsServer;
    readonly server: string;
    readonly observer: NatsConnection;
  }) {
    this.#folder = parts.folder;
    this.#nats = parts.nats;
    this.#server = parts.server;
    this.#observer = parts.observer;
    this.client = new FarmClient(parts.server);
    for (const subject of [EVENT_SUBJECT, PROGRESS_SUBJECT]) {
      this.#observer.subscribe(subject, {
        callback: (error, msg) => {
          if (error !== null) return;
          for (const event of decodeEvents(msg.data, () => undefined)) {
            for (const listen of [...this.#listeners]) listen(event);
          }
        },
      });
    }
  }

  static async start(): Promise<RecoveryFarm> {
    const folder = await mkdtemp(join(tmpdir(), 'bivdiff-recovery-'));
    const nats = await startNatsServer();
    const again = { maxReconnectAttempts: -1, reconnectTimeWait: 50 };
    const observer = await connect({ servers: nats.url, ...again });
    const server = `127.0.0.1:${await freePort()}`;
    const farm = new RecoveryFarm({ folder, nats, server, observer });
    await farm.restartCoordinator();
    for (const name of ['first', 'second', 'third']) farm.startWorker(name);
    const deadlineMs = performance.now() + WAIT_MS;
    const count = (): Promise<number> =>
      farm.client.workers().then(
        ({ workers }) => workers.length,
        () => 0,
      );
    while ((await count()) < 3 && performance.now() < deadlineMs) await delay(50);
    return farm;
  }

  startWorker(name: string): void {
    const pools = ['idm', 'mixer', 'vdm'].flatMap((pool) => ['--pool', pool]);
    const args = ['worker', '--name', name, '--threads', '1', ...pools, ...this.#places];
    this.workers.set(name, startProgram(name, args, {}));
  }

  async restartCoordinator(): Promise<void> {
    if (this.#coordinator !== undefined) await killed(this.#coordinator.child);
    const args = ['coordinator', '--listen', this.#server, ...this.#places];
    this.#coordinator = startProgram('coordinator', args, {});
  }

  async restartNats(): Promise<void> {
    await this.#nats.signal('SIGKILL');
    await this.#nats.start();
  }

  async submit({ steps, seed }: JobChoice): Promise<string> {
    const flags = [
      ...['--task', 'controlnet', '--control', 'canny', '--frames', '64', '--frame-batch', '2'],
      ...['--input', join(ROOT, 'examples/source.mp4'), '--stride', '1', '--mixing-ratio', '0.5'],
      ...['--prompt', 'a green star', '--steps', String(steps), '--seed', String(seed)],
    ];
    const run = await endOfCli(startCli(['submit', ...flags, '--server', this.#server, '--json']));
    if (run.code === 0) return (JSON.parse(run.stdout) as { job: string }).job;
    throw new BivdiffError('internal', `the job was not taken: ${run.stderr}`);
  }

  /** The next event, from now on, that fits. */
  next(fits: (event: WorkerEvent) => boolean): Promise<WorkerEvent> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(listen);
      };
      const timer = setTimeout(() => {
        end();
        reject(new BivdiffError('deadline-exceeded', 'no such event came'));
      }, WAIT_MS);
      const listen = (event: WorkerEvent): void => {
        if (!fits(event)) return;
        end();
        resolve(event);
      };
      this.#listeners.add(listen);
    });
  }

  async close(): Promise<void> {
    this.client.close();
    for (const { child } of this.workers.values()) await killed(child);
    if (this.#coordinator !== undefined) await killed(this.#coordinator.child);
    await this.#observer.close();
    await this.#nats.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #places(): readonly string[] {
    return ['--nats', this.#nats.url, '--store', join(this.#folder, 'store')];
  }
}
