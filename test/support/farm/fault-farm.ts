// A farm of real processes that tests may break: nats-server, coordinator, workers; and an observer that writes down every event, without
// answering any.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect } from 'vitest';

import { FarmClient } from '../../../cli/farm/farm-client.ts';
import { startNatsServer } from '../../../cli/programs/nats-server.ts';
import type { NatsServer } from '../../../cli/programs/nats-server.ts';
import type { Job } from '../../../common/gen/bivdiff/v1/job.ts';
import type { Digest, Pool } from '../../../common/task.ts';
import { endOfCli, startCli } from '../cli-process.ts';
import { FarmObserver, JOB_MS } from './history/farm-observer.ts';
import { killed, startProgram } from './farm-program.ts';
import type { Program, Surroundings } from './farm-program.ts';
import { freePort } from '../network/ports.ts';
import { JOB_FLAGS, sha256Of } from '../reference.ts';

/** What a worker serves, and where it runs. */
export interface WorkerPlace extends Surroundings {
  /** @default all */
  readonly pools?: readonly Pool[];
}

export interface FarmOptions {
  /** @default 2 */
  readonly workers?: number;
  /** Given the farm's own folder: where all its programs run. */
  readonly surroundings?: (folder: string) => Promise<Surroundings>;
  /** Given the coordinator's HOST:PORT: where the workers run, where that differs. */
  readonly ofWorkers?: (server: string) => Surroundings;
}

export class FaultFarm extends FarmObserver {
  readonly folder: string;
  readonly nats: NatsServer;
  readonly workers = new Map<string, Program>();
  readonly client: FarmClient;
  coordinator: Program | undefined;
  readonly #port: number;
  readonly #surroundings: Surroundings;
  readonly #ofWorkers: (server: string) => Surroundings;
  readonly #observer: NatsConnection;
  readonly #programs: Program[] = [];

  private constructor(parts: {
    folder: string;
    nats: NatsServer;
    port: number;
    observer: NatsConnection;
    surroundings: Surroundings;
    ofWorkers: (server: string) => Surroundings;
  }) {
    super(parts.observer, join(parts.folder, 'store'));
    this.folder = parts.folder;
    this.nats = parts.nats;
    this.#port = parts.port;
    this.#observer = parts.observer;
    this.#surroundings = parts.surroundings;
    this.#ofWorkers = parts.ofWorkers;
    this.client = new FarmClient(`127.0.0.1:${parts.port}`);
  }

  static async start(options: FarmOptions = {}): Promise<FaultFarm> {
    const { workers = 2, ofWorkers = () => ({}) } = options;
    const folder = await mkdtemp(join(tmpdir(), 'bivdiff-fault-'));
    const surroundings = (await options.surroundings?.(folder)) ?? {};
    const nats = await startNatsServer();
    const observer = await connect({
      servers: nats.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
    });
    const farm = new FaultFarm({
      ...{ folder, nats, port: await freePort() },
      ...{ observer, surroundings, ofWorkers },
    });
    farm.startCoordinator();
    for (let i = 1; i <= workers; i += 1) farm.startWorker(`w${i}`);
    try {
      await farm.seesWorkers(workers);
    } catch (reason) {
      // Nobody else could end its programs.
      await farm.close();
      throw reason;
    }
    return farm;
  }

  get server(): string {
    return `127.0.0.1:${this.#port}`;
  }

  startCoordinator(port = this.#port, place: Surroundings = {}, more: string[] = []): Program {
    const args = ['coordinator', '--listen', `127.0.0.1:${port}`, ...more];
    const program = this.#start('coordinator', args, place);
    if (port === this.#port) this.coordinator = program;
    return program;
  }

  startWorker(
    name: string,
    more: readonly string[] = [],
    { pools = ['idm', 'mixer', 'vdm'], ...surroundings }: WorkerPlace = {},
  ): Program {
    const served = pools.flatMap((pool) => ['--pool', pool]);
    const args = ['worker', '--name', name, '--threads', '1', ...served, ...more];
    const program = this.#start(name, args, { ...this.#ofWorkers(this.server), ...surroundings });
    this.workers.set(name, program);
    return program;
  }

  /** Waits until the coordinator knows of so many workers. */
  async seesWorkers(count: number): Promise<void> {
    await this.until(`the coordinator sees ${count} workers`, async () => {
      return (await this.client.workers()).workers.length === count;
    });
  }

  /** Puts the job on the farm and gives its id. */
  async submit(flags: readonly string[] = JOB_FLAGS): Promise<string> {
    const run = await endOfCli(startCli(['submit', ...flags, '--server', this.server, '--json']));
    expect(run.code, run.stderr).toBe(0);
    return (JSON.parse(run.stdout) as { job: string }).job;
  }

  /** Waits for the job's end, which must be a good one, and gives the SHA-256 of its video. */
  async finish(id: string, limitMs = JOB_MS): Promise<string> {
    let job: Job | undefined;
    const isOver = async (): Promise<boolean> => {
      job = await this.client.get(id);
      return ['done', 'failed', 'cancelled'].includes(job.state);
    };
    await this.until(`job ${id} is over`, isOver, limitMs);
    expect(job?.state, JSON.stringify(job?.failure)).toBe('done');
    const path = join(this.folder, `${id}.mp4`);
    await this.client.getArtifactFile(job!.outputs[0]!.artifacts[0]!.digest as Digest, path);
    return sha256Of(path);
  }

  /** SIGKILL. */
  async killWorker(name: string): Promise<void> {
    this.strikes({ kind: 'loses', worker: name });
    await killed(this.workers.get(name)!.child);
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

  #start(name: string, args: readonly string[], more: Surroundings): Program {
    const surroundings = { ...this.#surroundings, ...more };
    const { nats = this.nats.url, store = this.store } = surroundings;
    const program = startProgram(name, [...args, '--nats', nats, '--store', store], surroundings);
    this.#programs.push(program);
    return program;
  }
}
