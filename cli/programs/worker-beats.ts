// What a worker says of itself to the coordinator, every few seconds.

import { hostname } from 'node:os';

import type { WorkerTalk } from '../../common/bus/nats/index.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import { WORKER_BEAT_MS } from '../../common/worker-status.ts';
import type { LoadedModels, WorkerStatus } from '../../common/worker-status.ts';
import type { Device } from '../../workers/inference/device.ts';
import { ownClasses } from '../../workers/own-classes.ts';
import type { WorkerTally } from '../../workers/worker.ts';
import type { WorkerSettings } from './worker-settings.ts';
import type { WorkerPeers } from './worker-peers.ts';

/** How the worker stands, now. */
interface Now {
  readonly device: Device;
  /** For a task. */
  readonly memoryBytes: number;
  readonly tally: WorkerTally;
  readonly peers: WorkerPeers;
  readonly loaded: LoadedModels;
  readonly draining: boolean;
}

export function statusOf(
  settings: Pick<WorkerSettings, 'name' | 'pools' | 'slots'>,
  now: Now,
): WorkerStatus {
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

/** Says it at once and every few seconds, and when it is told to; at the end that it leaves. */
export function startBeats(
  talk: WorkerTalk,
  status: () => WorkerStatus,
): { readonly say: () => void; readonly end: () => void } {
  const say = (leaving: boolean): void => {
    talk.beat({ ...status(), leaving });
  };
  say(false);
  const timer = setInterval(() => {
    say(false);
  }, WORKER_BEAT_MS);
  return {
    say: () => {
      say(false);
    },
    end: () => {
      clearInterval(timer);
      say(true);
    },
  };
}
