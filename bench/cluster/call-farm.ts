// A coordinator for the bench of its calls: a real nats-server, a store in a folder, gRPC, and one worker that says it is there and takes nothing.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { ServerCredentials } from '@grpc/grpc-js';

import { FarmClient } from '../../cli/farm/farm-client.ts';
import { ACK_WAIT_MS } from '../../cli/flags/farm-settings.ts';
import { startNatsServer } from '../../cli/programs/nats-server.ts';
import { openNatsBus } from '../../common/bus/nats/index.ts';
import type { NatsBus } from '../../common/bus/nats/index.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import { DEFAULT_LIMITS } from '../../common/rpc/farm-limits.ts';
import { openFileStore } from '../../common/store/file/index.ts';
import type { Store } from '../../common/store/ports.ts';
import { WORKER_BEAT_MS } from '../../common/worker-status.ts';
import { Coordinator } from '../../coordinator/coordinator.ts';
import { WorkerRegistry } from '../../coordinator/dispatch/worker-registry.ts';
import { DEFAULT_FAILURE_POLICY } from '../../coordinator/domain/failure-policy.ts';
import { systemClock } from '../../coordinator/ports.ts';
import { createRpcServer } from '../../coordinator/rpc/server.ts';
import { benchJob } from '../bench-job.ts';

const LIMIT_MS = 300_000;

export class CallFarm {
  readonly coordinator: Coordinator;
  readonly client: FarmClient;
  readonly bus: NatsBus;
  readonly startSeconds: number;
  readonly #close: () => Promise<void>;

  private constructor(
    parts: Pick<CallFarm, 'coordinator' | 'client' | 'bus' | 'startSeconds'>,
    close: () => Promise<void>,
  ) {
    this.coordinator = parts.coordinator;
    this.client = parts.client;
    this.bus = parts.bus;
    this.startSeconds = parts.startSeconds;
    this.#close = close;
  }

  /** `slots`: so many tasks are published, and half as many more. */
  static async start(folder: string, slots: number): Promise<CallFarm> {
    const nats = await startNatsServer();
    const bus = await openNatsBus({ servers: [nats.url], name: 'bench', ackWaitMs: ACK_WAIT_MS });
    const store = await openFileStore(join(folder, 'store'));
    const workers = new WorkerRegistry(systemClock);
    const beats = beat(workers, slots);
    const begunMs = performance.now();
    const coordinator = new Coordinator({
      ...{ store, bus, workers, clock: systemClock, nowMs: Date.now, name: 'bench' },
      policy: DEFAULT_FAILURE_POLICY,
      conclude: () => Promise.resolve(),
      onTrouble: (error) => {
        // That nobody serves a class is meant.
        if (error.code !== 'failed-precondition') throw error;
      },
    });
    const ending = new AbortController();
    const running = coordinator.run(ending.signal);
    await coordinator.known;
    const startSeconds = (performance.now() - begunMs) / 1000;
    const { address, close } = await serve(coordinator, workers, store);
    const client = new FarmClient(address);
    return new CallFarm({ coordinator, client, bus, startSeconds }, async () => {
      clearInterval(beats);
      client.close();
      close();
      ending.abort();
      await running;
      await bus.close();
      await store.close();
      await nats.close();
    });
  }

  close(): Promise<void> {
    return this.#close();
  }
}

/** A worker that says that it is there, and takes nothing. */
function beat(workers: WorkerRegistry, slots: number): NodeJS.Timeout {
  const say = (): void => {
    workers.note({
      ...{ protocol: PROTOCOL_VERSION, name: 'many', pools: ['idm', 'mixer', 'vdm'], slots },
      ...{ pid: 0, host: 'bench', numerics: benchJob(1).numerics, running: [] },
      ...{ draining: false, committed: 0, leaving: false },
      memoryBytes: 1,
      gathered: { hits: 0, misses: 0, fallbacks: 0 },
    });
  };
  say();
  return setInterval(say, WORKER_BEAT_MS);
}

async function serve(coordinator: Coordinator, workers: WorkerRegistry, store: Store) {
  const { server } = createRpcServer({
    ...{ coordinator, workers, store, pid: process.pid, limits: DEFAULT_LIMITS },
    accept: () => Promise.resolve(benchJob(16)),
    drain: () => undefined,
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    address: `127.0.0.1:${port}`,
    close: () => {
      server.forceShutdown();
    },
  };
}

export async function until(isSo: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + LIMIT_MS;
  while (!isSo()) {
    assert(performance.now() < deadlineMs, 'it did not come to this in time');
    await delay(20);
  }
}

export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-calls-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
