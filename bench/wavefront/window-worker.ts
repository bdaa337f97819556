// A worker process of the wavefront bench: the farm's own worker loop, bus, store, stage runner and exchange between workers; what a lane would
// compute is slept over instead.

import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { openNatsBus, WorkerTalk } from '../../common/bus/nats/index.ts';
import type { ModelPart } from '../../common/models/model-set.ts';
import { queuesOfWorker } from '../../common/placement.ts';
import type { WindowStep } from '../../common/stages.ts';
import { openFileStore } from '../../common/store/file/index.ts';
import type { LaneJob, LaneResult } from '../../workers/inference/lanes/lane-job.ts';
import { HeldResults } from '../../workers/peers/held-results.ts';
import { MadeCache } from '../../workers/peers/made-cache.ts';
import { startPeerServer } from '../../workers/peers/peer-server.ts';
import { PeerTensors } from '../../workers/peers/peer-tensors.ts';
import { runStage } from '../../workers/stages/run-stage.ts';
import type { StageRunnerOptions } from '../../workers/stages/stage-environment.ts';
import { frameStates } from '../../workers/pipelines/window-steps.ts';
import { joinBatches, sliceBatch } from '../../workers/pipelines/latents.ts';
import { floatTensor } from '../../workers/tensor/tensor.ts';
import type { FloatTensor } from '../../workers/tensor/tensor.ts';
import { runWorker } from '../../workers/worker.ts';
import { ACK_WAIT_MS } from '../../cli/flags/farm-settings.ts';
import { BENCH_CLASS } from '../cluster/graph.ts';
import { LATENTS, SPREAD, WINDOW_MS } from './settings.ts';

const { values } = parseArgs({
  options: {
    nats: { type: 'string', default: '' },
    store: { type: 'string', default: '' },
    name: { type: 'string', default: '' },
    /** Name to HOST:PORT of all workers, as JSON. */
    peers: { type: 'string', default: '{}' },
  },
});
const { name } = values;
const addresses = JSON.parse(values.peers) as Readonly<Record<string, string>>;

/** Sleeps as long as the windows' models would take, and hands each window out a little changed. */
async function sleepOver({ stage, params, tensors, frames }: LaneJob): Promise<LaneResult> {
  if (stage === 'encode') {
    const latents = floatTensor([frames.length, ...LATENTS]);
    return {
      outputs: { latents: { ...latents, data: latents.data.fill(frames[0]!) } },
      ...took(0),
    };
  }
  const windows = (params as { readonly windows: WindowStep }).windows;
  const states = frameStates(tensors['latents'] as FloatTensor, windows, frames.length);
  let ms = 0;
  for (const start of windows.starts) ms += WINDOW_MS * factorOf(frames[start]!, windows.step);
  await delay(ms);
  const made = windows.starts.map((start) => {
    const { shape, data } = sliceBatch(states, start, start + windows.length);
    const after = data.slice();
    // What a model makes is another thing at each step, and its arithmetic is slept over.
    after[0] = after[0]! + 1;
    return floatTensor(shape, after);
  });
  return { outputs: { latents: joinBatches(made) }, ...took(ms / 1000) };
}

function took(seconds: number) {
  return { seconds, busySeconds: seconds };
}

/** Of a log-normal distribution with mean 1; the same for a window and step in every run. */
function factorOf(frame: number, step: number): number {
  const digest = createHash('sha256').update(`${frame} ${step}`).digest();
  const [u, v] = [0, 4].map((at) => (digest.readUInt32LE(at) + 1) / (2 ** 32 + 2));
  const normal = Math.sqrt(-2 * Math.log(u!)) * Math.cos(2 * Math.PI * v!);
  return Math.exp(SPREAD * normal - SPREAD ** 2 / 2);
}

const bus = await openNatsBus({ servers: [values.nats], name, ackWaitMs: ACK_WAIT_MS });
const store = await openFileStore(values.store);
const made = new MadeCache(64 << 20);
const held = new HeldResults({ memoryBytesMax: 512 << 20, diskBytesMax: 4 << 30 });
new WorkerTalk(bus, name).onDropHeld((digests) => {
  for (const digest of digests) held.drop(digest);
});
const server = await startPeerServer(addresses[name]!, made.get.bind(made), { held });
const tally = { hits: 0, misses: 0, fallbacks: 0 };
const peers = new PeerTensors({ made, held, addressOf: (other) => addresses[other], tally });
const stop = new AbortController();
process.on('SIGTERM', () => {
  stop.abort();
});
process.on('disconnect', () => {
  stop.abort();
});
const stages = {
  ...{ store, peers, panelLabels: {}, worker: name, checkpointSeconds: Infinity },
  lanes: { run: sleepOver },
  findPart: async () => ({}) as ModelPart,
} as unknown as StageRunnerOptions;
const running = runWorker(
  {
    ...{ name, bus, store, slots: 1, ackWaitMs: ACK_WAIT_MS, takesAhead: true },
    queues: queuesOfWorker(['idm', 'vdm'], {
      inference: BENCH_CLASS,
      media: BENCH_CLASS,
      plain: BENCH_CLASS,
    }),
    runTask: (task, run) => runStage(task, stages, run),
  },
  stop.signal,
);
process.send?.('ready');
await running;
process.send?.({ ...peers.stepBytes, fallbacks: tally.fallbacks, heldBytes: held.bytes });
peers.close();
server.close();
await held.close();
await bus.close();
await store.close();
if (process.connected) process.disconnect();
