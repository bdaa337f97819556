// A worker process of the cluster bench: the farm's own worker loop, bus and store; tasks sleep as long as they say.

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { openNatsBus } from '../../common/bus/nats/index.ts';
import { queuesOfWorker } from '../../common/placement.ts';
import { openFileStore } from '../../common/store/file/index.ts';
import type { Pool, Stage } from '../../common/task.ts';
import { runWorker } from '../../workers/worker.ts';
import { BENCH_CLASS } from './graph.ts';

const { values } = parseArgs({
  options: {
    nats: { type: 'string', default: '' },
    store: { type: 'string', default: '' },
    name: { type: 'string', default: '' },
    slots: { type: 'string', default: '1' },
    pool: { type: 'string', multiple: true, default: ['idm'] },
    'ack-wait-ms': { type: 'string', default: '6000' },
    class: { type: 'string', default: BENCH_CLASS },
    /** Milliseconds a frame by stage, as JSON: of tasks that do not say how long to sleep. */
    'stage-ms': { type: 'string', default: '{}' },
  },
});

const ackWaitMs = Number(values['ack-wait-ms']);
const bus = await openNatsBus({ servers: [values.nats], name: values.name, ackWaitMs });
const store = await openFileStore(values.store);
const stop = new AbortController();
process.on('SIGTERM', () => {
  stop.abort();
});
process.on('disconnect', () => {
  stop.abort();
});
const stageMs = JSON.parse(values['stage-ms']) as Partial<Record<Stage, number>>;
const running = runWorker(
  {
    name: values.name,
    bus,
    store,
    slots: Number(values.slots),
    queues: queuesOfWorker(values.pool as Pool[], {
      inference: values.class,
      media: values.class,
      plain: values.class,
    }),
    ackWaitMs,
    takesAhead: true,
    runTask: ({ stage, params, frames }, { onDevice }) =>
      onDevice(async () => {
        const begunMs = performance.now();
        const ms = Number(params['sleepMs'] ?? (stageMs[stage] ?? 0) * frames.length);
        if (ms > 0) await delay(ms);
        return { outputs: {}, busySeconds: (performance.now() - begunMs) / 1000 };
      }),
  },
  stop.signal,
);
process.send?.('ready');
await running;
await bus.close();
await store.close();
if (process.connected) process.disconnect();
