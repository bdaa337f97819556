// `bivdiff up`: a whole small farm on this machine, for trying it out: nats-server, a coordinator and workers as processes of
// their own. What dies is started again.

import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import type { Device } from '../../workers/inference/device.ts';
import type { TextSink } from '../terminal.ts';
import { FarmClient } from '../farm/farm-client.ts';
import { checkUpMemory } from './preflight/up-memory.ts';
import { startNatsServer } from './nats-server.ts';
import { BivdiffError } from '../../common/errors.ts';
import { openStore } from '../../common/store/open-store.ts';
import { ChildProgram } from './child-program.ts';
import { memoryOfWorkers, openDevices } from './worker-fleet.ts';

/** Workers may finish what they run; see the drain time in worker-program.ts. */
const STOP_MS = 30_000;
const READY_MS = 60_000;

export interface UpSettings {
  readonly slots: number;
  readonly threads: number;
  /** Where the graphs of each worker run: `cpu`, `cuda:1`. */
  readonly devices: readonly string[];
  /** That models and their runs may fill, in all workers together. @default most of each device */
  readonly memoryBytes?: number | undefined;
  /** HOST:PORT of the coordinator. */
  readonly listen: string;
  readonly natsPort: number;
  readonly storeFolder: string;
  readonly modelsFolder: string;
  /** The program and its first arguments. */
  readonly program: readonly string[];
  readonly stdout: TextSink;
  readonly stderr: TextSink;
}

/** Runs until the signal aborts. @throws as `openStore`, `startNatsServer`, `openDevice`, `checkUpMemory` */
export async function runUp(settings: UpSettings, signal: AbortSignal): Promise<void> {
  const { listen, storeFolder, modelsFolder, stdout, stderr, devices, program, slots } = settings;
  const opened = await openDevices(devices, signal);
  const inferenceClass = oneClassOf(opened);
  const memories = memoryOfWorkers(opened, settings.memoryBytes);
  const memoryBytes = Math.min(...memories) * devices.length;
  await checkUpMemory(modelsFolder, { workers: devices.length, slots, memoryBytes });
  // What is wrong with it each program would say, again and again.
  await (await openStore(storeFolder)).close();
  const nats = await startNatsServer({ port: settings.natsPort });
  const shared = ['--nats', nats.url, '--store', storeFolder, '--models', modelsFolder];
  const begin = (name: string, args: readonly string[]): ChildProgram =>
    new ChildProgram({ name, command: [...program, ...args], stderr, isAlwaysRestarted: true });
  const coordinator = begin('coordinator', [
    ...['coordinator', ...shared, '--listen', listen, '--numerics', inferenceClass],
  ]);
  const workers = devices.map((device, i) => {
    const name = `worker-${i + 1}`;
    const pools = ['idm', 'mixer', 'vdm'].flatMap((pool) => ['--pool', pool]);
    const size = [
      ...['--device', device],
      ...['--slots', String(slots), '--threads', String(settings.threads)],
      ...['--memory-gib', String(memories[i]! / 2 ** 30)],
    ];
    return begin(name, ['worker', ...shared, '--name', name, ...pools, ...size]);
  });
  try {
    await waitUntilReady(settings, signal);
    stdout.write(`nats-server   pid ${nats.pid ?? 0}  ${nats.url}\n`);
    for (const { name, pid } of [coordinator, ...workers])
      stdout.write(`${name.padEnd(13)} pid ${pid ?? 0}\n`);
    stdout.write(`ready at ${listen}; the store is ${storeFolder}; Ctrl-C ends it\n`);
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    await Promise.all(workers.map((worker) => worker.stop(STOP_MS)));
    await coordinator.stop(STOP_MS);
    await nats.close();
  }
}

/** Jobs are of one numerics class. @throws invalid-argument — the devices are of several */
function oneClassOf(devices: readonly Device[]): string {
  const classes = [...new Set(devices.map(({ inferenceClass }) => inferenceClass))];
  const [first] = classes;
  if (first !== undefined && classes.length === 1) return first;
  const names = devices.map(({ executionProvider }) => executionProvider).join(', ');
  throw new BivdiffError(
    'invalid-argument',
    `--device: ${names} are of different numerics classes: ${classes.join(', ')}`,
    { hint: 'A job runs on devices of one class: name devices of one kind.' },
  );
}

async function waitUntilReady({ listen, devices }: UpSettings, signal: AbortSignal): Promise<void> {
  const client = new FarmClient(listen);
  const deadline = performance.now() + READY_MS;
  try {
    while (!signal.aborted) {
      const seen = await client.workers().then(
        (response) => response.workers.length,
        () => -1,
      );
      if (seen >= devices.length) return;
      if (performance.now() > deadline) {
        throw new BivdiffError('deadline-exceeded', 'the farm did not get ready within a minute', {
          hint: 'The lines above say what its programs are at.',
        });
      }
      await delay(100, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    client.close();
  }
}
