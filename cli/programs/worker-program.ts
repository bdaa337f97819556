// `bivdiff worker`: joins a worker to NATS, the store and its lanes. The first signal drains it: what runs is finished, or after a
// while handed back.

import { PANEL_LABELS } from '../../recipes/panels.ts';
import { LANE_ENTRY } from '../../recipes/lane-entry.ts';
import { openNatsBus, WorkerTalk } from '../../common/bus/nats/index.ts';
import type { NatsBus } from '../../common/bus/nats/index.ts';
import { queuesOfWorker } from '../../common/placement.ts';
import type { Store } from '../../common/store/ports.ts';
import type { TaskId } from '../../common/task.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import { REST_SECONDS } from '../../common/worker-status.ts';
import type { LoadedModels } from '../../common/worker-status.ts';
import { openDevice } from '../../workers/inference/device.ts';
import { createLanePool, loadedIn } from '../../workers/inference/lanes/lane-pool.ts';
import { ownClasses } from '../../workers/own-classes.ts';
import { createMediaService } from '../../workers/media/media-service.ts';
import { ModelCache } from '../../workers/models/model-cache.ts';
import { SourceCache } from '../../workers/stages/source-cache.ts';
import { runStage } from '../../workers/stages/run-stage.ts';
import type { StageRunnerOptions } from '../../workers/stages/stage-environment.ts';
import { Rest } from '../../workers/rest.ts';
import { runWorker } from '../../workers/worker.ts';
import type { WorkerTally } from '../../workers/worker.ts';
import { malformedLogged } from './log.ts';
import type { Log } from './log.ts';
import { ownPartsOf } from './model-library.ts';
import type { OwnParts } from './model-library.ts';
import { openWorkerStore } from './open-worker-store.ts';
import { ACK_WAIT_MS } from '../flags/farm-settings.ts';
import { openHttpEndpoint } from './http/http-endpoint.ts';
import { Probes } from './http/probes.ts';
import { observed } from './metrics/observed.ts';
import { WorkerMetrics } from './metrics/worker-metrics.ts';
import { preloadModels } from './preload.ts';
import type { WorkerSettings } from './worker-settings.ts';
import { joinPeers } from './worker-peers.ts';
import { startBeats, statusOf } from './worker-beats.ts';

/**
 * Runs until the signal or a drain message has ended it.
 * @throws unavailable — NATS, or an address is taken; not-found — no such folder or set of models; as `openDevice`
 */
export async function runWorkerProgram(
  settings: WorkerSettings,
  signal: AbortSignal,
): Promise<void> {
  const seen: Seen = { probes: new Probes(), metrics: new WorkerMetrics() };
  const { http: address } = settings;
  const { probes, metrics } = seen;
  const http = address && (await openHttpEndpoint({ address, probes, metrics: metrics.registry }));
  if (http) settings.log.info({ port: http.port }, 'probes and metrics are served');
  try {
    await runTasks(settings, seen, signal);
  } finally {
    if (http) await http.close();
  }
}

/** Where others look at it. */
interface Seen {
  readonly probes: Probes;
  readonly metrics: WorkerMetrics;
}

async function runTasks(settings: WorkerSettings, seen: Seen, signal: AbortSignal): Promise<void> {
  const { name, log, slots } = settings;
  const { probes, metrics } = seen;
  const device = await openDevice(settings.device, { signal });
  const { memoryBytes = device.memoryBytes } = settings;
  const parts = await ownParts(settings);
  const { store, bus } = await connect(settings, seen, signal);
  const talk = new WorkerTalk(bus, name);
  const lanes = createLanePool({
    entry: LANE_ENTRY,
    lanes: slots,
    threadsPerLane: settings.threadsPerSlot,
    executionProviders: [device.executionProvider],
    memoryLimitBytes: memoryBytes,
  });
  const { serve, heldBytesMax, peerCredentials: credentials } = settings;
  const loaded = (): LoadedModels => loadedIn(lanes);
  const joining = preloadModels(
    { ...settings, sets: settings.preload },
    { lanes, probes, signal },
  ).then(() => joinPeers({ talk, name, loaded, serve, heldBytesMax, credentials }));
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
    onCheckpoint: (outcome) => {
      metrics.checkpoint(outcome);
    },
  };
  const tally: WorkerTally = { running: new Set<TaskId>(), committed: 0 };
  const { drain, stop } = drainOf(settings, { talk, tally, probes }, signal);
  const rest = new Rest();
  const ofTask = Math.floor(memoryBytes / slots);
  const beat = startBeats(talk, () =>
    statusOf(settings, {
      ...{ device, memoryBytes: ofTask, tally, peers, loaded: loaded() },
      draining: drain.aborted || rest.isResting,
    }),
  );
  restWhenAsked(settings, { talk, tally, drain, rest, say: beat.say });
  metrics.follow(() => ({
    ...{ slots, running: tally.running.size, draining: drain.aborted, gathered: peers.tally },
    stepBytes: peers.tensors.stepBytes,
    ...{ loads: lanes.stats().loads, malformed: bus.malformed.totals },
  }));
  const { address: serves } = peers;
  noteOtherVersion(talk, log, name);
  log.info({ worker: name, pools: settings.pools, pid: process.pid, serves }, 'worker begins');
  if (!drain.aborted) probes.serve();
  try {
    await runWorker(
      {
        ...{ name, store, slots, memoryBytes: ofTask, takesAhead: true, tally, drain, rest },
        bus: observed(bus, metrics.registry.failuresOf('bivdiff_bus_errors_total')),
        runTask: (task, run) => runStage(task, stages, run),
        onSettled: (stage, settled) => {
          metrics.settled(stage, settled);
        },
        onLeaseLost: () => {
          metrics.leaseLost();
        },
        costOfLoading: (message) => peers.costOfLoading(message),
        queues: queuesOfWorker(settings.pools, ownClasses(device.inferenceClass)),
        ackWaitMs: ACK_WAIT_MS,
      },
      stop,
    );
  } finally {
    beat.end();
    await peers.close();
    await lanes.close();
    await bus.close();
    await media.close();
    await sources.close();
    await store.close();
    const { committed } = tally;
    log.info({ worker: name, committed, gathered: peers.tally }, 'worker has ended');
  }
}

async function connect(
  { name, nats, storeFolder, access, natsAccess, log }: WorkerSettings,
  { metrics, probes }: Seen,
  signal: AbortSignal,
): Promise<{ readonly store: Store; readonly bus: NatsBus }> {
  probes.unstarted = 'opening the store';
  const store = await openWorkerStore(storeFolder, { access, signal });
  probes.unstarted = 'joining NATS';
  const onMalformed = malformedLogged(log);
  const times = { ackWaitMs: ACK_WAIT_MS };
  const bus = await openNatsBus({ ...natsAccess, ...times, servers: [nats], name, onMalformed });
  const noteFailure = metrics.registry.failuresOf('bivdiff_store_errors_total');
  return { store: observed(store, noteFailure), bus };
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

interface Resting {
  readonly talk: WorkerTalk;
  readonly tally: WorkerTally;
  readonly drain: AbortSignal;
  readonly rest: Rest;
  /** That it rests, and that it does no longer. */
  readonly say: () => void;
}

/** It rests if it runs nothing. */
export function restWhenAsked(
  { name, log }: Pick<WorkerSettings, 'name' | 'log'>,
  resting: Resting,
): void {
  const { talk, tally, drain, rest, say } = resting;
  talk.onRest(() => {
    // Whoever asked did not know of what has come meanwhile.
    if (tally.running.size > 0 || drain.aborted) return;
    rest.begin(REST_SECONDS * 1000, say);
    say();
    log.info({ worker: name, seconds: REST_SECONDS }, 'worker rests');
  });
}

/** `drain` aborts when it shall begin nothing more, `stop` when what still runs is to be handed back. */
export function drainOf(
  { name, log, drainMs }: Pick<WorkerSettings, 'name' | 'log' | 'drainMs'>,
  { talk, tally, probes }: { talk: WorkerTalk; tally: WorkerTally; probes: Probes },
  signal: AbortSignal,
): { readonly drain: AbortSignal; readonly stop: AbortSignal } {
  const asked = new AbortController();
  const stop = new AbortController();
  talk.onDrain(() => {
    asked.abort();
  });
  const drain = AbortSignal.any([signal, asked.signal]);
  const begin = (): void => {
    probes.unready = 'the worker drains';
    log.info({ worker: name, running: tally.running.size }, 'worker drains');
    setTimeout(() => {
      stop.abort();
    }, drainMs).unref();
  };
  if (drain.aborted) begin();
  else drain.addEventListener('abort', begin, { once: true });
  return { drain, stop: stop.signal };
}
