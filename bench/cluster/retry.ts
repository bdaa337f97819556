// What another attempt waits for: milliseconds from a worker's failure until the next worker begins the task, over a real nats-server, by
// the worker loop, the bus and the run of a job that farms have.

import { openNatsBus } from '../../common/bus/nats/index.ts';
import type { NatsBus } from '../../common/bus/nats/index.ts';
import { BivdiffError } from '../../common/errors.ts';
import { queuesOfWorker } from '../../common/placement.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import { createMemoryStore } from '../../common/store/memory/index.ts';
import type { JobId, TaskId } from '../../common/task.ts';
import type { WorkerStatus } from '../../common/worker-status.ts';
import { ACK_WAIT_MS } from '../../cli/flags/farm-settings.ts';
import { startNatsServer } from '../../cli/programs/nats-server.ts';
import { WorkerRegistry } from '../../coordinator/dispatch/worker-registry.ts';
import { DEFAULT_FAILURE_POLICY } from '../../coordinator/domain/failure-policy.ts';
import { systemClock } from '../../coordinator/ports.ts';
import { JobRun } from '../../coordinator/run/job-run.ts';
import { PublishedTasks } from '../../coordinator/run/published-tasks.ts';
import { runWorker } from '../../workers/worker.ts';
import { BENCH_CLASS, chainGraph } from './graph.ts';

const WORKERS = ['one', 'two'];
const LOOK_MS = 1_000;

/** Of each task in turn, sorted. Every task fails once, at whoever gets it first. */
export async function measureRetries(tasks: number): Promise<readonly number[]> {
  const server = await startNatsServer();
  const stop = new AbortController();
  const buses = await Promise.all(
    ['coordinator', ...WORKERS].map((name) => open(server.url, name)),
  );
  const store = createMemoryStore();
  const failedMs = new Map<TaskId, number>();
  const waitedMs: number[] = [];
  const note = (task: TaskId): void => {
    const failed = failedMs.get(task);
    if (failed === undefined) {
      failedMs.set(task, performance.now());
      throw new BivdiffError('internal', 'the bench has this attempt fail');
    }
    waitedMs.push(performance.now() - failed);
  };
  const working = WORKERS.map((name, i) =>
    runWorker(
      {
        ...{ name, bus: buses[i + 1]!, store, slots: 1, ackWaitMs: ACK_WAIT_MS },
        queues: queuesOfWorker(['idm'], CLASSES),
        runTask: (task, { onDevice }) =>
          onDevice(async () => {
            note(task.id);
            return { outputs: {}, busySeconds: 0 };
          }),
      },
      stop.signal,
    ),
  );
  await runChain(buses[0]!, store, tasks);
  stop.abort();
  await Promise.all(working);
  for (const bus of buses) await bus.close();
  await server.close();
  return waitedMs.sort((a, b) => a - b);
}

const CLASSES = { inference: BENCH_CLASS, media: BENCH_CLASS, plain: BENCH_CLASS };

async function runChain(
  bus: NatsBus,
  store: ReturnType<typeof createMemoryStore>,
  tasks: number,
): Promise<void> {
  const graph = chainGraph('retries', tasks);
  const workers = new WorkerRegistry(systemClock);
  const beat = (): void => {
    const { numerics } = graph.plan.job;
    for (const name of WORKERS) workers.note({ ...STATUS, name, numerics });
  };
  beat();
  const out = new PublishedTasks({ bus, store, clock: systemClock, slotsOf: () => 2 });
  const run = new JobRun({
    ...{ jobId: 'bench' as JobId, graph, store, bus, out, workers, clock: systemClock },
    policy: DEFAULT_FAILURE_POLICY,
    observer: { surveyed: () => undefined, event: () => undefined, healed: () => undefined },
  });
  const over = new AbortController();
  const events = bus.events(over.signal);
  // As the coordinator does every second: what the bus lost is looked for.
  const look = setInterval(() => {
    beat();
    void out.reconcile();
  }, LOOK_MS);
  await run.start(Array.from({ length: tasks }, (_, task) => task));
  run.publishNext('idm');
  for await (const event of events) {
    await run.handle(event);
    if (run.isOver) break;
    run.publishNext('idm');
  }
  clearInterval(look);
  over.abort();
  if (run.failure !== undefined) throw run.failure;
}

const STATUS: Omit<WorkerStatus, 'name' | 'numerics'> = {
  ...{ protocol: PROTOCOL_VERSION, pools: ['idm'], slots: 1, pid: 1, host: 'here' },
  ...{ memoryBytes: 1, running: [], draining: false, committed: 0, leaving: false },
  gathered: { hits: 0, misses: 0, fallbacks: 0 },
};

async function open(url: string, name: string): Promise<NatsBus> {
  return openNatsBus({ servers: [url], name, ackWaitMs: ACK_WAIT_MS });
}
