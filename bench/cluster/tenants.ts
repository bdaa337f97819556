// Bench: a farm under many users, on real processes: coordinator, nats-server, a file store, and workers that sleep instead of rendering. Two
// owners at 3 to 1, three priorities, three numerics classes of which nobody serves one, 40 jobs, all submitted at once.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { ACK_WAIT_MS } from '../../cli/flags/farm-settings.ts';
import { startNatsServer } from '../../cli/programs/nats-server.ts';
import { openNatsBus } from '../../common/bus/nats/index.ts';
import type { CoordinatorBus, WorkerEvent } from '../../common/bus/ports.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import { openFileStore } from '../../common/store/file/index.ts';
import { STAGES } from '../../common/task.ts';
import type { Stage } from '../../common/task.ts';
import { WORKER_BEAT_MS } from '../../common/worker-status.ts';
import { Coordinator } from '../../coordinator/coordinator.ts';
import { WorkerRegistry } from '../../coordinator/dispatch/worker-registry.ts';
import { DEFAULT_FAILURE_POLICY } from '../../coordinator/domain/failure-policy.ts';
import { isOver } from '../../coordinator/jobs/job-log.ts';
import { systemClock } from '../../coordinator/ports.ts';
import {
  createStageSeconds,
  isServed,
  simulatedJob,
} from '../../coordinator/simulation/scenario.ts';
import { simulatedNumerics, tenantOf } from '../../coordinator/simulation/tenancy.ts';
import { watchedBus } from '../../test/support/farm/watched-bus.ts';
import type { SimulatedRun } from '../../coordinator/simulation/world/farm-options.ts';
import {
  longestInversion,
  sharesAtTenths,
  tenantRuns,
} from '../../test/support/simulated-tenants.ts';

const READY_MS = 60_000;
const LIMIT_MS = 1_800_000;
const POOLS = ['idm', 'mixer', 'vdm'] as const;
/** Slots of each pool, by class. */
const SLOTS = { x: { idm: 8, mixer: 5, vdm: 14 }, y: { idm: 4, mixer: 3, vdm: 7 } } as const;
const SCENARIO = {
  ...{ jobs: 40, frames: 96, window: 16, frameBatch: 4, arrivalSeconds: 0 },
  ...{ seconds: { idm: 1, mixer: 10, vdm: 30 }, anySeconds: 0.05, spread: 0, failures: 0 },
  ...{ stragglers: { share: 0, factor: 1 }, poison: 0, deathsPerHour: 0, returnSeconds: 60 },
  ...{ ackWaitMs: ACK_WAIT_MS, seed: 1, priorities: [0, 50, 100] },
  owners: [
    { name: 'ann', weight: 3 },
    { name: 'bob', weight: 1 },
  ],
  classes: [
    { name: 'x', share: 2 },
    { name: 'y', share: 1 },
    { name: 'gone', share: 0 },
  ],
  pools: {
    idm: { workers: 12, slots: 1, speed: 1 },
    mixer: { workers: 8, slots: 1, speed: 1 },
    vdm: { workers: 21, slots: 1, speed: 1 },
  },
};

export interface TenantFigures {
  readonly seconds: number;
  readonly jobsDone: number;
  readonly jobsWaiting: number;
  /** By owner, at each tenth of the run. */
  readonly shares: Readonly<Record<string, readonly number[]>>;
  /** In times of the longest task of the pool. */
  readonly longestInversion: number;
}

export async function measureTenants(): Promise<TenantFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-tenants-'));
  const nats = await startNatsServer();
  const store = await openFileStore(join(folder, 'store'));
  const bus = await openNatsBus({ servers: [nats.url], name: 'bench', ackWaitMs: ACK_WAIT_MS });
  const children = await startWorkers(nats.url, join(folder, 'store'));
  const workers = new WorkerRegistry(systemClock);
  const beats = setInterval(() => {
    beat(workers);
  }, WORKER_BEAT_MS);
  beat(workers);
  const runs: SimulatedRun[] = [];
  const stop = new AbortController();
  const coordinator = new Coordinator({
    ...{ store, bus: watched(bus, runs), workers, clock: systemClock, name: 'bench' },
    ...{ policy: DEFAULT_FAILURE_POLICY, nowMs: Date.now, onTrouble: () => undefined },
    conclude: () => Promise.resolve(),
    shareOf: (owner) => ({ weight: owner === 'ann' ? 3 : 1, quota: Infinity }),
  });
  const running = coordinator.run(stop.signal);
  try {
    await coordinator.known;
    const begunMs = performance.now();
    await submitAll(coordinator);
    const served = indices().filter((index) => isServed(SCENARIO, index)).length;
    for (;;) {
      const over = coordinator.list().filter(({ state }) => isOver(state)).length;
      if (over >= served || performance.now() - begunMs > LIMIT_MS) break;
      await delay(200);
    }
    return figuresOf(coordinator, shifted(runs, begunMs), (performance.now() - begunMs) / 1000);
  } finally {
    stop.abort();
    await running.catch(() => undefined);
    clearInterval(beats);
    for (const child of children) child.kill('SIGKILL');
    await bus.close();
    await store.close();
    await nats.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function indices(): number[] {
  return [...Array(SCENARIO.jobs).keys()];
}

async function submitAll(coordinator: Coordinator): Promise<void> {
  for (const index of indices()) {
    const { owner, priority } = tenantOf(SCENARIO, index);
    await coordinator.submit(simulatedJob(SCENARIO, index), { name: '', owner, priority });
  }
}

function figuresOf(
  coordinator: Coordinator,
  seen: readonly SimulatedRun[],
  seconds: number,
): TenantFigures {
  const runs = tenantRuns(SCENARIO, seen);
  const jobs = coordinator.list();
  return {
    seconds,
    jobsDone: jobs.filter(({ state }) => state === 'done').length,
    jobsWaiting: jobs.filter(({ state }) => state === 'queued' || state === 'running').length,
    shares: Object.fromEntries(sharesAtTenths(runs)),
    longestInversion: longestInversion(runs, ({ pool, className }) => {
      const slots = SLOTS[className as keyof typeof SLOTS];
      return pool === 'any' ? slots.idm + slots.mixer + slots.vdm : slots[pool];
    }),
  };
}

/** Times from the first submission on. */
function shifted(runs: readonly SimulatedRun[], byMs: number): SimulatedRun[] {
  return runs.map((run) => ({
    ...run,
    beganMs: run.beganMs - byMs,
    endedMs: run.endedMs - byMs,
  }));
}

/** The bus as it is; when tasks began and ended is written down as their reports come. */
function watched(bus: CoordinatorBus, runs: SimulatedRun[]): CoordinatorBus {
  const began = new Map<string, { readonly stage: Stage; readonly atMs: number }>();
  const note = (event: WorkerEvent): void => {
    const atMs = performance.now();
    if (event.kind === 'started') began.set(event.taskId, { stage: event.stage, atMs });
    if (event.kind !== 'committed') return;
    const { taskId, result } = event;
    const beganMs = began.get(taskId)?.atMs ?? atMs - result.seconds * 1000;
    runs.push({ taskId, stage: result.stage, beganMs, endedMs: atMs });
  };
  return watchedBus(bus, note);
}

async function startWorkers(nats: string, store: string): Promise<ChildProcess[]> {
  const seconds = createStageSeconds(SCENARIO);
  const stageMs = Object.fromEntries(STAGES.map((stage) => [stage, 1000 * seconds(stage, 1)]));
  return Promise.all(
    Object.entries(SLOTS).flatMap(([className, pools]) =>
      POOLS.map(async (pool) => {
        const args = [
          ...['--nats', nats, '--store', store, '--name', `${pool}-${className}`],
          ...['--slots', String(pools[pool]), '--ack-wait-ms', String(ACK_WAIT_MS)],
          ...['--pool', pool, '--class', className, '--stage-ms', JSON.stringify(stageMs)],
        ];
        const child = fork(join(import.meta.dirname, 'worker-process.ts'), args, {
          execArgv: ['--disable-warning=ExperimentalWarning'],
        });
        await once(child, 'message', { signal: AbortSignal.timeout(READY_MS) });
        return child;
      }),
    ),
  );
}

function beat(workers: WorkerRegistry): void {
  for (const [className, pools] of Object.entries(SLOTS)) {
    for (const pool of POOLS) {
      workers.note({
        ...{ protocol: PROTOCOL_VERSION, name: `${pool}-${className}`, pools: [pool] },
        ...{ slots: pools[pool], pid: 1, host: 'bench', numerics: simulatedNumerics(className) },
        ...{ memoryBytes: 1, running: [], draining: false, committed: 0, leaving: false },
        gathered: { hits: 0, misses: 0, fallbacks: 0 },
      });
    }
  }
}
