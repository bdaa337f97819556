// Goal: a worker knows how long loading would take of what another one has loaded already. Method: beats as they come, made-up time.

import { describe, expect, it } from 'vitest';

import type { TaskMessage } from '../../../../common/bus/ports.ts';
import type { Digest } from '../../../../common/task.ts';
import { WORKER_SILENT_MS } from '../../../../common/worker-status.ts';
import type { LoadedModels, WorkerStatus } from '../../../../common/worker-status.ts';
import { WarmPeers } from '../../../../workers/peers/warm-peers.ts';
import { messageOf } from '../../../support/conformance/bus/bus-messages.ts';
import { classesNamed } from '../../../support/jobs.ts';

const [unet, vae, other] = ['unet', 'vae', 'other'] as Digest[] as [Digest, Digest, Digest];
const BOTH: LoadedModels = { [unet]: 900, [vae]: 100 };

function statusOf(changes: Partial<WorkerStatus> = {}): WorkerStatus {
  return {
    ...{ protocol: 1, name: 'peer', pools: ['idm'], slots: 1, pid: 1, host: 'here' },
    ...{
      numerics: classesNamed('test'),
      memoryBytes: 8,
      running: [],
      draining: false,
      committed: 0,
    },
    ...{ gathered: { hits: 0, misses: 0, fallbacks: 0 }, leaving: false, loaded: BOTH },
    ...changes,
  };
}

/** Of stage generate, which is the idm pool's. */
function taskWith(changes: Partial<TaskMessage> = {}): TaskMessage {
  const message = messageOf('t');
  return { ...message, ...changes, task: { ...message.task, models: { unet, vae } } };
}

function open(loaded: LoadedModels = {}) {
  const clock = { nowMs: 0 };
  const peers = new WarmPeers({ name: 'me', loaded: () => loaded, nowMs: () => clock.nowMs });
  return { clock, peers };
}

describe('what loading costs here and not elsewhere', () => {
  it('is nothing where nobody is known, or who is known has nothing loaded', () => {
    const { peers } = open();
    expect(peers.costOfLoading(taskWith())).toBe(0);
    peers.note(statusOf({ loaded: {} }));
    expect(peers.costOfLoading(taskWith())).toBe(0);
    peers.note({ ...statusOf(), loaded: undefined } as unknown as WorkerStatus);
    expect(peers.costOfLoading(taskWith())).toBe(0);
  });

  it('is what loading took there, of the models that are missing here', () => {
    const cold = open();
    cold.peers.note(statusOf());
    expect(cold.peers.costOfLoading(taskWith())).toBe(1_000);
    const half = open({ [vae]: 100 });
    half.peers.note(statusOf());
    expect(half.peers.costOfLoading(taskWith())).toBe(900);
    const warm = open(BOTH);
    warm.peers.note(statusOf());
    expect(warm.peers.costOfLoading(taskWith())).toBe(0);
  });

  it('is nothing where the other one would have to load what is loaded here', () => {
    const { peers } = open({ [vae]: 100 });
    peers.note(statusOf({ loaded: { [unet]: 900 } }));
    expect(peers.costOfLoading(taskWith())).toBe(0);
  });

  it('does not keep a worker that has nothing loaded from helping those that are busy', () => {
    const busy = statusOf({ running: [taskWith().task.id] });
    const fresh = open();
    fresh.peers.note(busy);
    expect(fresh.peers.costOfLoading(taskWith())).toBe(0);
    const loaded = open({ [other]: 500 });
    loaded.peers.note(busy);
    expect(loaded.peers.costOfLoading(taskWith())).toBe(1_000);
  });

  it.each([
    ['serves another pool', { pools: ['vdm'] }, {}],
    ['has too little memory', {}, { memoryBytes: 9 }],
    ['makes other bits', { numerics: classesNamed('other') }, {}],
    ['has failed the task', {}, { excludedWorkers: ['peer'] }],
    ['drains', { draining: true }, {}],
    ['leaves', { leaving: true }, {}],
    ['is this worker', { name: 'me' }, {}],
  ] as const)('is nothing where the other one %s', (_, status, message) => {
    const { peers } = open();
    peers.note(statusOf(status));
    expect(peers.costOfLoading(taskWith(message as Partial<TaskMessage>))).toBe(0);
  });

  it('is nothing once the other one was silent for too long', () => {
    const { peers, clock } = open();
    peers.note(statusOf());
    clock.nowMs = WORKER_SILENT_MS;
    expect(peers.costOfLoading(taskWith())).toBe(1_000);
    clock.nowMs += 1;
    expect(peers.costOfLoading(taskWith())).toBe(0);
  });
});
