// A worker as a process whose tasks cost nothing: the product's loop, bus, store and beats; what a stage would make is the same few bytes for every
// task. Only assemble does its work.

import { hostname } from 'node:os';
import { parseArgs } from 'node:util';

import { ACK_WAIT_MS } from '../../../cli/flags/farm-settings.ts';
import { startBeats } from '../../../cli/programs/worker-beats.ts';
import { openNatsBus, WorkerTalk } from '../../../common/bus/nats/index.ts';
import { queuesOfWorker } from '../../../common/placement.ts';
import { PROTOCOL_VERSION } from '../../../common/protocol-version.ts';
import { openFileStore } from '../../../common/store/file/index.ts';
import type { ArtifactRef, Pool, Stage, Task, TaskId } from '../../../common/task.ts';
import { createMediaService } from '../../../workers/media/media-service.ts';
import { encodePng } from '../../../workers/media/pixels/png.ts';
import { ownClasses } from '../../../workers/own-classes.ts';
import { assembleOutput } from '../../../workers/stages/assemble.ts';
import type { StageRunnerOptions } from '../../../workers/stages/stage-environment.ts';
import { runWorker } from '../../../workers/worker.ts';
import type { WorkerTally } from '../../../workers/worker.ts';

const SIDE = 64;

const { values } = parseArgs({
  options: {
    nats: { type: 'string', default: '' },
    store: { type: 'string', default: '' },
    name: { type: 'string', default: '' },
    slots: { type: 'string', default: '1' },
  },
});
const { name } = values;
const slots = Number(values.slots);
const pools: readonly Pool[] = ['idm', 'mixer', 'vdm'];

const bus = await openNatsBus({ servers: [values.nats], name, ackWaitMs: ACK_WAIT_MS });
const store = await openFileStore(values.store);
const media = createMediaService();
const talk = new WorkerTalk(bus, name);
const tally: WorkerTally = { running: new Set<TaskId>(), committed: 0 };

async function stored(bytes: Uint8Array, type: ArtifactRef['type']): Promise<ArtifactRef> {
  return { digest: await store.putArtifact(bytes), bytes: bytes.length, type };
}

const rgb = new Uint8Array(3 * SIDE * SIDE).fill(128);
const png = await encodePng({ rgb, width: SIDE, height: SIDE });
const picture = { ...(await stored(png, 'image/png')), shape: [SIDE, SIDE, 3] };
const tensor = await stored(new Uint8Array(4), 'tensor/float32');
const nothing = { sum: 0, count: 0 };
const both = { generated: nothing, smoothed: nothing };
const sums = await stored(
  Buffer.from(JSON.stringify({ flicker: both, drift: nothing })),
  'application/json',
);

/** What a task of a stage hands on. */
const MADE: Readonly<Partial<Record<Stage, string>>> = {
  annotate: 'control',
  encode: 'latents',
  merge: 'latents',
  mix: 'noise',
  smooth: 'latents',
};

function outputsOf({ stage, frames, params }: Task): Record<string, readonly ArtifactRef[]> {
  if (stage === 'measure') return { metrics: [sums] };
  if (stage.startsWith('invert-')) return { ['windows' in params ? 'latents' : 'noise']: [tensor] };
  const output = MADE[stage] ?? 'frames';
  const isTensor = output === 'latents' || output === 'noise';
  return { [output]: isTensor ? [tensor] : frames.map(() => picture) };
}

const beat = startBeats(talk, () => ({
  ...{ protocol: PROTOCOL_VERSION, name, pools, slots, pid: process.pid, host: hostname() },
  ...{ numerics: ownClasses(), memoryBytes: 2 ** 34, running: [...tally.running] },
  ...{ committed: tally.committed, draining: false, leaving: false },
  gathered: { hits: 0, misses: 0, fallbacks: 0 },
}));
const stop = new AbortController();
process.once('disconnect', () => {
  stop.abort();
});
const assembling = { store, media, panelLabels: {} } as unknown as StageRunnerOptions;
const running = runWorker(
  {
    ...{ name, bus, store, slots, tally, ackWaitMs: ACK_WAIT_MS, takesAhead: true },
    queues: queuesOfWorker(pools, ownClasses()),
    runTask: (task, run) =>
      run.onDevice(() =>
        task.stage === 'assemble'
          ? assembleOutput(task, assembling, run)
          : Promise.resolve({ outputs: outputsOf(task), busySeconds: 0 }),
      ),
  },
  stop.signal,
);
process.send?.('ready');
await running;
beat.end();
await bus.close();
await store.close();
await media.close();
