// `bivdiff worker`: joins a worker to NATS, the store and its lanes. The first signal drains it: what runs is finished, or after a
// while handed back.

import { hostname, totalmem } from 'node:os';

import { DRAIN_SUBJECT, openNatsBus, WORKER_SUBJECT } from '../../common/bus/nats/index.ts';
import type { NatsBus } from '../../common/bus/nats/index.ts';
import type { TaskMessage } from '../../common/bus/ports.ts';
import { queuesOfPools } from '../../common/placement.ts';
import type { Pool, TaskId } from '../../common/task.ts';
import { PROTOCOL_VERSION, WORKER_BEAT_MS } from '../../common/worker-status.ts';
import type { WorkerStatus } from '../../common/worker-status.ts';
import { createLanePool } from '../../workers/inference/lane-pool.ts';
import { inferenceClass } from '../../workers/inference/numerics-class.ts';
import { createMediaService } from '../../workers/media/media-service.ts';
import { SourceCache } from '../../workers/source-cache.ts';
import { runStage } from '../../workers/stage-runner.ts';
import type { StageRunnerOptions } from '../../workers/stage-runner.ts';
import { runWorker } from '../../workers/worker.ts';
import type { WorkerTally } from '../../workers/worker.ts';
import type { Log } from './log.ts';
import { ModelLibrary } from './model-parts.ts';
import { openWorkerStore } from './open-worker-store.ts';
import { ACK_WAIT_MS } from './settings.ts';

/** What runs may take so long after a drain; then it is handed back to the bus. */
const DRAIN_MS = 20_000;
const MODEL_MEMORY_SHARE = 0.5;

export interface WorkerSettings {
  readonly name: string;
  readonly nats: string;
  /** Or `grpc://HOST:PORT`. */
  readonly storeFolder: string;
  readonly modelsFolder: string;
  readonly pools: readonly Pool[];
  readonly slots: number;
  readonly threadsPerSlot: number;
  readonly log: Log;
}

/** Runs until the signal or a drain message has ended it. @throws unavailable — NATS; failed-precondition — models */
export async function runWorkerProgram(
  settings: WorkerSettings,
  signal: AbortSignal,
): Promise<void> {
  const { name, log, slots } = settings;
  const parts = await new ModelLibrary(settings.modelsFolder).parts();
  const store = await openWorkerStore(settings.storeFolder, signal);
  const bus = await openNatsBus({ servers: [settings.nats], name, ackWaitMs: ACK_WAIT_MS });
  const lanes = createLanePool({
    lanes: slots,
    threadsPerLane: settings.threadsPerSlot,
    memoryLimitBytes: Math.floor(totalmem() * MODEL_MEMORY_SHARE),
  });
  const media = createMediaService();
  const sources = new SourceCache(store);
  const stages: StageRunnerOptions = {
    ...{ store, lanes, media, sources },
    findPart: (digest) => parts.get(digest),
  };
  const tally: WorkerTally = { running: new Set<TaskId>(), committed: 0 };
  const stop = new AbortController();
  const drain = drainSignal(bus, name, signal);
  drain.addEventListener('abort', () => {
    log('info', 'worker drains', { worker: name, running: tally.running.size });
    setTimeout(() => {
      stop.abort();
    }, DRAIN_MS).unref();
  });
  const beat = startBeats(bus, () => statusOf(settings, { tally, draining: drain.aborted }));
  log('info', 'worker begins', { worker: name, pools: settings.pools, pid: process.pid });
  try {
    await runWorker(
      {
        name,
        bus,
        store,
        runTask: (task, run) => runStage(task, stages, run),
        slots,
        takesAhead: true,
        tally,
        drain,
        queues: queuesOfPools(settings.pools),
        onTooNew: tooNewNoted(log),
        ackWaitMs: ACK_WAIT_MS,
      },
      stop.signal,
    );
  } finally {
    beat.end();
    await lanes.close();
    await bus.close();
    await media.close();
    await sources.close();
    await store.close();
    log('info', 'worker has ended', { worker: name, committed: tally.committed });
  }
}

/** Says once that a coordinator of a newer version publishes tasks: each of them is handed back. */
function tooNewNoted(log: Log): (message: TaskMessage) => void {
  let isNoted = false;
  return ({ protocol, task }) => {
    if (isNoted) return;
    isNoted = true;
    const versions = { theirs: protocol, ours: PROTOCOL_VERSION };
    log('warn', 'task of a newer protocol handed back', { taskId: task.id, ...versions });
  };
}

function drainSignal(bus: NatsBus, name: string, signal: AbortSignal): AbortSignal {
  const asked = new AbortController();
  bus.connection.subscribe(DRAIN_SUBJECT, {
    callback: (error, msg) => {
      if (error === null && msg.string() === name) asked.abort();
    },
  });
  return AbortSignal.any([signal, asked.signal]);
}

interface Now {
  readonly tally: WorkerTally;
  readonly draining: boolean;
}

function statusOf(settings: WorkerSettings, { tally, draining }: Now): WorkerStatus {
  return {
    protocol: PROTOCOL_VERSION,
    name: settings.name,
    pools: settings.pools,
    slots: settings.slots,
    pid: process.pid,
    host: hostname(),
    numericsClass: inferenceClass(),
    running: [...tally.running],
    draining,
    committed: tally.committed,
    leaving: false,
  };
}

function startBeats(bus: NatsBus, status: () => WorkerStatus): { readonly end: () => void } {
  const say = (leaving: boolean): void => {
    bus.connection.publish(WORKER_SUBJECT, JSON.stringify({ ...status(), leaving }));
  };
  say(false);
  const timer = setInterval(() => {
    say(false);
  }, WORKER_BEAT_MS);
  return {
    end: () => {
      clearInterval(timer);
      say(true);
    },
  };
}
