// How long a coordinator that is started again needs until it publishes, and until it knows everything it knew: 100 active jobs of 1,000
// frames, some of whose tasks are done, over a file store.

import { deepEqual } from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { createMemoryBus } from '../../common/bus/memory/index.ts';
import type { Bus } from '../../common/bus/ports.ts';
import { queuesOfWorker } from '../../common/placement.ts';
import { openFileStore } from '../../common/store/file/index.ts';
import type { Store } from '../../common/store/ports.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import { WORKER_BEAT_MS } from '../../common/worker-status.ts';
import { Coordinator } from '../../coordinator/coordinator.ts';
import { DEFAULT_FAILURE_POLICY } from '../../coordinator/domain/failure-policy.ts';
import { systemClock } from '../../coordinator/ports.ts';
import { WorkerRegistry } from '../../coordinator/dispatch/worker-registry.ts';
import { runWorker } from '../../workers/worker.ts';
import { benchJob } from '../bench-job.ts';

const JOBS = 100;
const FRAMES = 1_000;
/** As the spec's default. */
const FRAME_BATCH = 4;
/** So many that every job is active. */
const SLOTS = 100_000;
const DONE_TASKS = 5_000;
const LIMIT_MS = 120_000;

export interface RestartFigures {
  readonly jobs: number;
  readonly tasksReady: number;
  /** From the start of the new coordinator to its first message. */
  readonly firstPublishSeconds: number;
  /** Until every job is active again. */
  readonly allActiveSeconds: number;
}

/** Fails if the new coordinator's ready tasks are not those of the old one. */
export async function measureRestart(): Promise<RestartFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-restart-'));
  const store = await openFileStore(join(folder, 'store'));
  try {
    const before = await runFirst(store);
    const bus = createMemoryBus({ ackWaitMs: 60_000, queueDepthMax: 1_000_000 });
    const begunMs = performance.now();
    let firstPublishMs: number | undefined;
    const publish = bus.publish.bind(bus);
    bus.publish = (queue, message) => {
      firstPublishMs ??= performance.now() - begunMs;
      return publish(queue, message);
    };
    const { coordinator, stop } = start(store, bus);
    await untilActive(coordinator);
    const allActiveSeconds = (performance.now() - begunMs) / 1000;
    const after = await settledSets(coordinator);
    await stop();
    deepEqual(after, before);
    const tasksReady = [...after.values()].reduce((sum, ready) => sum + ready.length, 0);
    const firstPublishSeconds = (firstPublishMs ?? NaN) / 1000;
    return { jobs: JOBS, tasksReady, firstPublishSeconds, allActiveSeconds };
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Submits the jobs, lets some tasks be done, and gives what is ready when the coordinator is gone. */
async function runFirst(store: Store): Promise<ReadonlyMap<string, readonly number[]>> {
  const bus = createMemoryBus({ ackWaitMs: 60_000, queueDepthMax: 1_000_000 });
  const { coordinator, stop } = start(store, bus);
  for (let seed = 1; seed <= JOBS; seed += 1) {
    const job = { ...benchJob(FRAMES), frameBatch: FRAME_BATCH, seed };
    await coordinator.submit(job, { name: `job ${seed}`, priority: 50 });
  }
  await untilActive(coordinator);
  await doTasks(store, bus);
  const ready = await settledSets(coordinator);
  await stop();
  return ready;
}

async function doTasks(store: Store, bus: Bus): Promise<void> {
  const enough = new AbortController();
  let done = 0;
  await runWorker(
    {
      ...{ name: 'bench', bus, store, slots: 32, ackWaitMs: 60_000 },
      queues: queuesOfWorker(['idm', 'mixer', 'vdm'], benchJob(1).numerics),
      drain: enough.signal,
      runTask: (_, { onDevice }) =>
        onDevice(async () => {
          done += 1;
          if (done >= DONE_TASKS) enough.abort();
          return Promise.resolve({ outputs: {}, busySeconds: 0 });
        }),
    },
    new AbortController().signal,
  );
}

function start(store: Store, bus: Bus) {
  const workers = new WorkerRegistry(systemClock);
  const beat = (): void => {
    workers.note({
      ...{ protocol: PROTOCOL_VERSION, name: 'many', pools: ['idm', 'mixer', 'vdm'], slots: SLOTS },
      ...{ pid: 0, host: 'bench', numerics: benchJob(1).numerics, running: [] },
      ...{ draining: false, committed: 0, leaving: false },
      memoryBytes: 1,
      gathered: { hits: 0, misses: 0, fallbacks: 0 },
    });
  };
  beat();
  const beats = setInterval(beat, WORKER_BEAT_MS);
  const coordinator = new Coordinator({
    ...{ store, bus, workers, clock: { ...systemClock, after: () => () => undefined } },
    policy: DEFAULT_FAILURE_POLICY,
    nowMs: Date.now,
    name: 'bench',
    conclude: () => Promise.resolve(),
    onTrouble: (error) => {
      throw error;
    },
  });
  const ending = new AbortController();
  const running = coordinator.run(ending.signal);
  return {
    coordinator,
    stop: async () => {
      clearInterval(beats);
      ending.abort();
      await running;
      await bus.close();
    },
  };
}

async function untilActive(coordinator: Coordinator): Promise<void> {
  const deadlineMs = performance.now() + LIMIT_MS;
  const liveCount = (): number =>
    // A job is active before its tasks are looked up; all of these have some that are ready.
    coordinator.list().filter(({ active }) => (active?.run.ready.length ?? 0) > 0).length;
  while (liveCount() < JOBS && performance.now() < deadlineMs) await delay(20);
}

/** Once nothing changes any more: what is on its way is taken in. */
async function settledSets(
  coordinator: Coordinator,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const deadlineMs = performance.now() + LIMIT_MS;
  let last = readySets(coordinator);
  while (performance.now() < deadlineMs) {
    await delay(500);
    const now = readySets(coordinator);
    if (JSON.stringify([...now]) === JSON.stringify([...last])) break;
    last = now;
  }
  return last;
}

function readySets(coordinator: Coordinator): ReadonlyMap<string, readonly number[]> {
  const views = coordinator.list().toSorted((a, b) => (a.jobId < b.jobId ? -1 : 1));
  return new Map(views.map(({ jobId, active }) => [jobId, active?.run.ready ?? []]));
}
