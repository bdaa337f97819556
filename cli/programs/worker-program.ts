// `bivdiff worker`: joins a worker to NATS, the store and its lanes. The first signal drains it: what runs is finished, or after a
// while handed back.

import { hostname } from 'node:os';

import { PANEL_LABELS } from '../../recipes/panels.ts';
import { LANE_ENTRY } from '../../recipes/lane-entry.ts';
import { openNatsBus, WorkerTalk } from '../../common/bus/nats/index.ts';
import type { NatsAccess } from '../../common/bus/nats/index.ts';
import { queuesOfWorker } from '../../common/placement.ts';
import type { ChannelSettings } from '../../common/rpc/channel.ts';
import type { Store } from '../../common/store/ports.ts';
import type { Pool, TaskId } from '../../common/task.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import { WORKER_BEAT_MS } from '../../common/worker-status.ts';
import type { LoadedModels, WorkerStatus } from '../../common/worker-status.ts';
import { openDevice } from '../../workers/inference/device.ts';
import type { Device } from '../../workers/inference/device.ts';
import { createLanePool, loadedIn } from '../../workers/inference/lanes/lane-pool.ts';
import { ownClasses } from '../../workers/own-classes.ts';
import { createMediaService } from '../../workers/media/media-service.ts';
import { ModelCache } from '../../workers/models/model-cache.ts';
import { SourceCache } from '../../workers/stages/source-cache.ts';
import { runStage } from '../../workers/stages/run-stage.ts';
import type { StageRunnerOptions } from '../../workers/stages/stage-environment.ts';
import { runWorker } from '../../workers/worker.ts';
import type { WorkerTally } from '../../workers/worker.ts';
import { malformedLogged } from './log.ts';
import type { Log } from './log.ts';
import { ownPartsOf } from './model-library.ts';
import type { OwnParts } from './model-library.ts';
import type { PeerCredentials } from './security/peer-credentials.ts';
import { openWorkerStore } from './open-worker-store.ts';
import { ACK_WAIT_MS } from '../flags/farm-settings.ts';
import { joinPeers } from './worker-peers.ts';
import type { WorkerPeers } from './worker-peers.ts';

/** What runs may take so long after a drain; then it is handed back to the bus. */
const DRAIN_MS = 20_000;

export interface WorkerSettings {
  readonly name: string;
  readonly nats: string;
  /** Or `grpc://HOST:PORT`, or `grpcs://HOST:PORT`. */
  readonly storeFolder: string;
  /** Models of this machine; what is not in it comes from the store. @default none */
  readonly modelsFolder?: string | undefined;
  /** Where models from the store are kept. */
  readonly cacheFolder: string;
  readonly cacheBytesMax: number;
  /** HOST:PORT where it gives other workers what it made. @default nowhere */
  readonly serve?: string | undefined;
  /** By which workers serve each other. @default in the clear */
  readonly peerCredentials?: PeerCredentials | undefined;
  readonly pools: readonly Pool[];
  /** Where graphs run: `cpu`, `cuda:1`. */
  readonly device: string;
  /** What models may fill of it. @default most of it */
  readonly memoryBytes?: number | undefined;
  readonly slots: number;
  readonly threadsPerSlot: number;
  /** As `StageRunnerOptions`. */
  readonly checkpointSeconds: number;
  /** How it shows itself to the coordinator whose store it uses. */
  readonly access: Omit<ChannelSettings, 'server' | 'origin'>;
  readonly natsAccess: NatsAccess;
  readonly log: Log;
}

/** Runs until the signal or a drain message has ended it. @throws unavailable — NATS; not-found — no such folder of models; as `openDevice` */
export async function runWorkerProgram(
  settings: WorkerSettings,
  signal: AbortSignal,
): Promise<void> {
  const { name, log, slots } = settings;
  const device = await openDevice(settings.device, { signal });
  const { memoryBytes = device.memoryBytes } = settings;
  const parts = await ownParts(settings);
  const { access, natsAccess } = settings;
  const store = await openWorkerStore(settings.storeFolder, { access, signal });
  const servers = [settings.nats];
  const onMalformed = malformedLogged(log);
  const times = { ackWaitMs: ACK_WAIT_MS };
  const bus = await openNatsBus({ ...natsAccess, ...times, servers, name, onMalformed });
  const talk = new WorkerTalk(bus, name);
  const lanes = createLanePool({
    entry: LANE_ENTRY,
    lanes: slots,
    threadsPerLane: settings.threadsPerSlot,
    executionProviders: [device.executionProvider],
    memoryLimitBytes: memoryBytes,
  });
  const { serve, peerCredentials: credentials } = settings;
  const loaded = (): LoadedModels => loadedIn(lanes);
  const joining = joinPeers({ talk, name, loaded, serve, credentials });
  const peers = await joining.catch(async (reason: unknown) => {
    await lanes.close();
    await bus.close();
    await store.close();
    throw reason;
  });
  const media = createMediaService();
  const sources = new SourceCache(store);
  const cache = modelCache(settings, store);
  const stages: StageRunnerOptions = {
    ...{ store, lanes, media, sources, peers: peers.tensors, panelLabels: PANEL_LABELS },
    ...{ worker: name, checkpointSeconds: settings.checkpointSeconds },
    findPart: async (digest) => parts.get(digest) ?? cache.find(digest),
  };
  const tally: WorkerTally = { running: new Set<TaskId>(), committed: 0 };
  const stop = new AbortController();
  const drain = drainSignal(talk, signal);
  drain.addEventListener('abort', () => {
    log.info({ worker: name, running: tally.running.size }, 'worker drains');
    setTimeout(() => {
      stop.abort();
    }, DRAIN_MS).unref();
  });
  const ofTask = Math.floor(memoryBytes / slots);
  const beat = startBeats(talk, () =>
    statusOf(settings, {
      ...{ device, memoryBytes: ofTask, tally, peers, loaded: loaded() },
      draining: drain.aborted,
    }),
  );
  const { address: serves } = peers;
  noteOtherVersion(talk, log, name);
  log.info({ worker: name, pools: settings.pools, pid: process.pid, serves }, 'worker begins');
  try {
    await runWorker(
      {
        name,
        bus,
        store,
        runTask: (task, run) => runStage(task, stages, run),
        slots,
        memoryBytes: ofTask,
        takesAhead: true,
        tally,
        drain,
        costOfLoading: (message) => peers.costOfLoading(message),
        queues: queuesOfWorker(settings.pools, ownClasses(device.inferenceClass)),
        ackWaitMs: ACK_WAIT_MS,
      },
      stop.signal,
    );
  } finally {
    beat.end();
    peers.close();
    await lanes.close();
    await bus.close();
    await media.close();
    await sources.close();
    await store.close();
    const { committed } = tally;
    log.info({ worker: name, committed, gathered: peers.tally }, 'worker has ended');
  }
}

function modelCache(settings: WorkerSettings, store: Store): ModelCache {
  const { name, cacheFolder: folder, cacheBytesMax: bytesMax, log } = settings;
  return new ModelCache({
    ...{ folder, store, bytesMax },
    onFetch: ({ name: part, files }) => {
      log.info({ worker: name, part, files: files.length }, 'worker fetches a model part');
    },
  });
}

/** Says once that a coordinator of another version is there, which gives this worker no tasks. */
function noteOtherVersion(talk: WorkerTalk, log: Log, worker: string): void {
  let isNoted = false;
  talk.onOtherVersion((theirs) => {
    if (isNoted) return;
    isNoted = true;
    const versions = { theirs, ours: PROTOCOL_VERSION };
    log.warn({ worker, ...versions }, 'a coordinator of another protocol gives no tasks');
  });
}

/** Damaged sets are no reason not to work: the store has what they should be. */
async function ownParts({ modelsFolder, name, log }: WorkerSettings): Promise<OwnParts['parts']> {
  if (modelsFolder === undefined) return new Map();
  const { parts, problems } = await ownPartsOf(modelsFolder);
  for (const problem of problems)
    log.warn({ worker: name, ...problem }, 'worker cannot use a model');
  return parts;
}

function drainSignal(talk: WorkerTalk, signal: AbortSignal): AbortSignal {
  const asked = new AbortController();
  talk.onDrain(() => {
    asked.abort();
  });
  return AbortSignal.any([signal, asked.signal]);
}

interface Now {
  readonly device: Device;
  /** For a task. */
  readonly memoryBytes: number;
  readonly tally: WorkerTally;
  readonly peers: WorkerPeers;
  readonly loaded: LoadedModels;
  readonly draining: boolean;
}

function statusOf(settings: WorkerSettings, now: Now): WorkerStatus {
  const { device, memoryBytes, tally, peers, loaded, draining } = now;
  return {
    protocol: PROTOCOL_VERSION,
    name: settings.name,
    pools: settings.pools,
    slots: settings.slots,
    pid: process.pid,
    host: hostname(),
    numerics: ownClasses(device.inferenceClass),
    memoryBytes,
    running: [...tally.running],
    loaded,
    draining,
    committed: tally.committed,
    address: peers.address,
    gathered: peers.tally,
    leaving: false,
  };
}

function startBeats(talk: WorkerTalk, status: () => WorkerStatus): { readonly end: () => void } {
  const say = (leaving: boolean): void => {
    talk.beat({ ...status(), leaving });
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
