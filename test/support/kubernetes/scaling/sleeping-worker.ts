// A worker as a process: the product's loop, bus, store, beats, rest and drain. Only the tasks are acted: it sleeps over each as long as the task's id
// says. It tells the process that started it when it is ready, and how much it runs when it is told to end.

import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { ACK_WAIT_MS } from '../../../../cli/flags/farm-settings.ts';
import { Probes } from '../../../../cli/programs/http/probes.ts';
import { createLog } from '../../../../cli/programs/log.ts';
import { startBeats } from '../../../../cli/programs/worker-beats.ts';
import { drainOf, restWhenAsked } from '../../../../cli/programs/worker-program.ts';
import { openNatsBus, WorkerTalk } from '../../../../common/bus/nats/index.ts';
import { queuesOfWorker } from '../../../../common/placement.ts';
import { PROTOCOL_VERSION } from '../../../../common/protocol-version.ts';
import { STAGE_FACTS } from '../../../../common/stage-facts.ts';
import { openFileStore } from '../../../../common/store/file/index.ts';
import type { Pool, Task, TaskId } from '../../../../common/task.ts';
import { simulatedNumerics } from '../../../../coordinator/simulation/tenancy.ts';
import { Rest } from '../../../../workers/rest.ts';
import { runWorker } from '../../../../workers/worker.ts';
import type { WorkerTally } from '../../../../workers/worker.ts';
import { numberOf } from '../../conformance/seed.ts';

/** What it tells its parent. */
export type WorkerWord =
  | { readonly kind: 'ready' }
  /** It got SIGTERM while it held leases on so many tasks. */
  | { readonly kind: 'told-to-end'; readonly running: number };

/** Of most tasks of a pool. */
const SLEEP_MS: Readonly<Record<Pool, number>> = { any: 50, idm: 300, mixer: 1_200, vdm: 2_000 };
/** One task in so many takes so much longer: some workers have nothing to do while another still has. */
const LONG = { oneIn: 4, factor: 4 };

const { values } = parseArgs({
  options: {
    nats: { type: 'string', default: '' },
    store: { type: 'string', default: '' },
    name: { type: 'string', default: '' },
    pool: { type: 'string', default: '' },
    class: { type: 'string', default: '' },
    'drain-ms': { type: 'string', default: '1000' },
  },
});
const { name } = values;
const pools = [values.pool as Pool];
const numerics = simulatedNumerics(values.class);

function sleepMsOf({ id, stage }: Task): number {
  const isLong = numberOf(id, LONG.oneIn) === 0;
  return SLEEP_MS[STAGE_FACTS[stage].pool] * (isLong ? LONG.factor : 1);
}

function say(word: WorkerWord): void {
  process.send?.(word);
}

const bus = await openNatsBus({ servers: [values.nats], name, ackWaitMs: ACK_WAIT_MS });
const store = await openFileStore(values.store);
const talk = new WorkerTalk(bus, name);
const tally: WorkerTally = { running: new Set<TaskId>(), committed: 0 };
const log = createLog({ write: () => true }, 'worker');
const ending = new AbortController();
process.once('SIGTERM', () => {
  say({ kind: 'told-to-end', running: tally.running.size });
  ending.abort();
});
process.once('disconnect', () => process.exit(1));
const drainMs = Number(values['drain-ms']);
const { drain, stop } = drainOf(
  { name, log, drainMs },
  { talk, tally, probes: new Probes() },
  ending.signal,
);
const rest = new Rest();
const beat = startBeats(talk, () => ({
  ...{ protocol: PROTOCOL_VERSION, name, pools, slots: 1, pid: process.pid, host: hostname() },
  ...{ numerics, memoryBytes: 1, running: [...tally.running], committed: tally.committed },
  ...{ draining: drain.aborted || rest.isResting, leaving: false },
  gathered: { hits: 0, misses: 0, fallbacks: 0 },
}));
restWhenAsked({ name, log }, { talk, tally, drain, rest, say: beat.say });
const running = runWorker(
  {
    ...{ name, bus, store, slots: 1, ackWaitMs: ACK_WAIT_MS, takesAhead: true },
    ...{ tally, drain, rest, queues: queuesOfWorker(pools, numerics) },
    runTask: (task, { signal, onDevice }) =>
      onDevice(async () => {
        const ms = sleepMsOf(task);
        await delay(ms, undefined, { signal });
        return { outputs: {}, busySeconds: ms / 1000 };
      }),
  },
  stop,
);
say({ kind: 'ready' });
await running;
beat.end();
await bus.close();
await store.close();
process.disconnect();
