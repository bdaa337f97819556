// `bivdiff worker --device cuda:all`: a worker process for each of several devices, which share nothing but the machine.

import { BivdiffError } from '../../common/errors.ts';
import { openStore } from '../../common/store/open-store.ts';
import { openDevice } from '../../workers/inference/device.ts';
import type { Device } from '../../workers/inference/device.ts';
import { isRemoteStore } from '../flags/store-flag.ts';
import type { TextSink } from '../terminal.ts';
import { ChildProgram } from './child-program.ts';
import { runWorkerProgram } from './worker-program.ts';
import type { WorkerSettings } from './worker-settings.ts';

/** Beyond the time that a drain may take: to say good-bye, and to end. */
const STOP_MS = 10_000;

export interface FleetSettings extends WorkerSettings {
  readonly stderr: TextSink;
}

/**
 * One device: in this process. Several: the command of this process again for each, with a name and ports of its own, until the signal
 * or a drain has ended them all.
 * @throws as `runWorkerProgram`, `openStore`; failed-precondition — devices that cannot be used, all of them told
 */
export async function runWorkers(
  devices: readonly string[],
  settings: FleetSettings,
  signal: AbortSignal,
): Promise<void> {
  if (devices.length === 1) return runWorkerProgram(settings, signal);
  const { stderr, drainMs, log, storeFolder, memoryBytes: ofDevice } = settings;
  const shares = memoryOfWorkers(await openDevices(devices, signal), undefined);
  // What is wrong with it each worker would say, again and again; a coordinator that is away may come back.
  if (!isRemoteStore(storeFolder)) await (await openStore(storeFolder)).close();
  const fleet = devices.map((device, index) => {
    const memoryBytes = ofDevice ?? shares[index]!;
    const own = argumentsOf(settings, { device, index, memoryBytes });
    const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1), ...own];
    const name = nameOf(settings, index);
    log.info({ worker: name, device }, 'a worker for each device');
    return new ChildProgram({ name, command, stderr, isAlwaysRestarted: false });
  });
  const stop = (): void => {
    for (const child of fleet) void child.stop(drainMs + STOP_MS);
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.all(fleet.map(({ ended }) => ended));
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Attempts them all. @throws failed-precondition, invalid-argument — for some of them, all told */
export async function openDevices(
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly Device[]> {
  const opened = await Promise.allSettled(names.map((name) => openDevice(name, { signal })));
  const devices: Device[] = [];
  const errors: BivdiffError[] = [];
  for (const one of opened) {
    if (one.status === 'fulfilled') devices.push(one.value);
    else errors.push(BivdiffError.from(one.reason));
  }
  const [first] = errors;
  if (first === undefined) return devices;
  if (errors.length === 1) throw first;
  const problems = errors.map(({ message }) => message);
  const { code, hint = '' } = first;
  throw new BivdiffError(code, problems.join('; '), { hint, details: { problems } });
}

/**
 * Bytes that models and their runs may fill, of a worker on each of these devices: an equal share of what all of them may, else of their
 * device, which several may have in common.
 */
export function memoryOfWorkers(
  devices: readonly Device[],
  inAll: number | undefined,
): readonly number[] {
  return devices.map(({ executionProvider, memoryBytes }) => {
    if (inAll !== undefined) return Math.floor(inAll / devices.length);
    const sharers = devices.filter((other) => other.executionProvider === executionProvider);
    return Math.floor(memoryBytes / sharers.length);
  });
}

function nameOf({ name }: FleetSettings, index: number): string {
  return `${name}-${index + 1}`;
}

interface OneWorker {
  readonly device: string;
  readonly index: number;
  readonly memoryBytes: number;
}

/** What stands last on a command line holds. */
function argumentsOf(
  settings: FleetSettings,
  { device, index, memoryBytes }: OneWorker,
): readonly string[] {
  const { http, serve, threadsPerSlot } = settings;
  const size = [
    ...['--device', device, '--threads', String(threadsPerSlot)],
    ...['--memory-gib', String(memoryBytes / 2 ** 30)],
  ];
  const ports = [
    ...(http === undefined ? [] : ['--http', ownPort(http, index)]),
    ...(serve === undefined ? [] : ['--serve', ownPort(serve, index)]),
  ];
  return ['--name', nameOf(settings, index), ...size, ...ports];
}

/** `HOST:PORT`, each worker's one above the one before; 0 stays any free one. */
function ownPort(address: string, index: number): string {
  const at = address.lastIndexOf(':');
  const port = Number(address.slice(at + 1));
  return `${address.slice(0, at)}:${port === 0 ? 0 : port + index}`;
}
