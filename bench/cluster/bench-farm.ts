// A farm for the cluster bench: a real nats-server, real worker processes, the dispatcher of this process.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startNatsServer } from '../../cli/programs/nats-server.ts';
import type { NatsServer } from '../../cli/programs/nats-server.ts';
import { ACK_WAIT_MS } from '../../cli/flags/farm-settings.ts';
import { openNatsBus } from '../../common/bus/nats/index.ts';
import type { NatsBus } from '../../common/bus/nats/index.ts';
import type { WorkerEvent } from '../../common/bus/ports.ts';
import { openFileStore } from '../../common/store/file/index.ts';
import type { Store } from '../../common/store/ports.ts';
import type { JobId, Pool } from '../../common/task.ts';
import { runJobAlone } from '../../coordinator/dispatch/run-alone.ts';
import { DEFAULT_FAILURE_POLICY } from '../../coordinator/domain/failure-policy.ts';
import type { TaskGraph, TaskNumber } from '../../coordinator/domain/task-graph.ts';
import { systemClock } from '../../coordinator/ports.ts';

const READY_MS = 30_000;

/**
 * Removed when all is measured: ext4 leaves inodes alone for minutes after a file is gone, and looks past thousands of them for each new file,
 * which then takes ten times as long.
 */
const folders: string[] = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export interface WorkerProcess {
  readonly pools: readonly Pool[];
  readonly slots: number;
}

export class BenchFarm {
  readonly folder: string;
  readonly nats: NatsServer;
  readonly bus: NatsBus;
  readonly store: Store;
  readonly #shapes: readonly WorkerProcess[];
  readonly #workers: ChildProcess[];

  private constructor(parts: {
    readonly folder: string;
    readonly nats: NatsServer;
    readonly bus: NatsBus;
    readonly store: Store;
    readonly shapes: readonly WorkerProcess[];
    readonly workers: ChildProcess[];
  }) {
    this.folder = parts.folder;
    this.nats = parts.nats;
    this.bus = parts.bus;
    this.store = parts.store;
    this.#shapes = parts.shapes;
    this.#workers = parts.workers;
  }

  static async start(shapes: readonly WorkerProcess[]): Promise<BenchFarm> {
    const folder = await mkdtemp(join(tmpdir(), 'bivdiff-bench-'));
    folders.push(folder);
    const nats = await startNatsServer();
    const ackWaitMs = ACK_WAIT_MS;
    const bus = await openNatsBus({ servers: [nats.url], name: 'bench', ackWaitMs });
    const store = await openFileStore(join(folder, 'store'));
    const workers = await Promise.all(
      shapes.map((shape, i) => startWorker(shape, { name: `w${i}`, nats, folder })),
    );
    return new BenchFarm({ folder, nats, bus, store, shapes, workers });
  }

  get storeFolder(): string {
    return join(this.folder, 'store');
  }

  slotsOf(pool: Pool): number {
    return this.#shapes.reduce(
      (sum, { pools, slots }) => sum + (pool === 'any' || pools.includes(pool) ? slots : 0),
      0,
    );
  }

  /** Runs every task of a graph; gives the seconds that it took. */
  async run(
    graph: TaskGraph,
    onEvent: (task: TaskNumber, event: WorkerEvent) => void = () => undefined,
  ): Promise<number> {
    const begunMs = performance.now();
    await runJobAlone({
      jobId: 'bench' as JobId,
      graph,
      wanted: Array.from({ length: graph.size }, (_, task) => task),
      store: this.store,
      bus: this.bus,
      clock: systemClock,
      policy: DEFAULT_FAILURE_POLICY,
      slotsOf: (pool) => this.slotsOf(pool),
      observer: { surveyed: () => undefined, event: onEvent },
    });
    return (performance.now() - begunMs) / 1000;
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) worker.kill('SIGKILL');
    await this.bus.close();
    await this.store.close();
    await this.nats.close();
  }
}

async function startWorker(
  { pools, slots }: WorkerProcess,
  { name, nats, folder }: { name: string; nats: NatsServer; folder: string },
): Promise<ChildProcess> {
  const args = [
    ...['--nats', nats.url, '--store', join(folder, 'store'), '--name', name],
    ...['--slots', String(slots), '--ack-wait-ms', String(ACK_WAIT_MS)],
    ...pools.flatMap((pool) => ['--pool', pool]),
  ];
  const child = fork(join(import.meta.dirname, 'worker-process.ts'), args, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  await once(child, 'message', { signal: AbortSignal.timeout(READY_MS) });
  return child;
}
