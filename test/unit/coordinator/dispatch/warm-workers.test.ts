// Goal: the coordinator can say how long loading would take a worker of what another one has loaded already. Method: beats as they come,
// made-up time.

import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import { PROTOCOL_VERSION } from '../../../../common/protocol-version.ts';
import type { Digest } from '../../../../common/task.ts';
import { WORKER_SILENT_MS } from '../../../../common/worker-status.ts';
import type { LoadedModels, LoadingQuestion } from '../../../../common/worker-status.ts';
import type { WorkerStatus } from '../../../../common/worker-status.ts';
import { WorkerRegistry } from '../../../../coordinator/dispatch/worker-registry.ts';
import { classesNamed } from '../../../support/jobs.ts';
import { taskIdOf } from '../../../support/conformance/results.ts';

const [unet, vae, other] = ['unet', 'vae', 'other'].map(digestText) as [Digest, Digest, Digest];
const BOTH: LoadedModels = { [unet]: 900, [vae]: 100 };

function statusOf(changes: Partial<WorkerStatus> = {}): WorkerStatus {
  return {
    ...{ protocol: PROTOCOL_VERSION, name: 'peer', pools: ['idm'], slots: 1, pid: 1 },
    ...{
      host: 'here',
      numerics: classesNamed('test'),
      memoryBytes: 8,
      running: [],
      draining: false,
    },
    ...{ committed: 0, gathered: { hits: 0, misses: 0, fallbacks: 0 }, leaving: false },
    ...{ loaded: BOTH, ...changes },
  };
}

/** About a task of stage generate, which is the idm pool's. */
function question(
  loaded: readonly Digest[] = [],
  changes: Partial<LoadingQuestion> = {},
): LoadingQuestion {
  return {
    ...{ worker: 'me', stage: 'generate', numericsClass: 'test', memoryBytes: 0 },
    ...{ excludedWorkers: [], models: [unet, vae], loaded, ...changes },
  };
}

function open(...statuses: readonly WorkerStatus[]) {
  const time = { nowMs: 0 };
  const workers = new WorkerRegistry({ nowMs: () => time.nowMs, after: () => () => undefined });
  for (const status of statuses) workers.note(status);
  return { time, workers };
}

describe('what loading costs a worker and not another', () => {
  it('is nothing where nobody is known, or who is known has nothing loaded', () => {
    expect(open().workers.costOfLoading(question())).toBe(0);
    expect(open(statusOf({ loaded: {} })).workers.costOfLoading(question())).toBe(0);
    const older: Partial<WorkerStatus> = statusOf();
    delete (older as { loaded?: unknown }).loaded;
    expect(open(older as WorkerStatus).workers.costOfLoading(question())).toBe(0);
  });

  it('is what loading took there, of the models that are missing at who asks', () => {
    const { workers } = open(statusOf());
    expect(workers.costOfLoading(question())).toBe(1_000);
    expect(workers.costOfLoading(question([vae]))).toBe(900);
    expect(workers.costOfLoading(question([unet, vae]))).toBe(0);
  });

  it('is nothing where the other one would have to load what who asks has loaded', () => {
    const { workers } = open(statusOf({ loaded: { [unet]: 900 } }));
    expect(workers.costOfLoading(question([vae]))).toBe(0);
  });

  it('does not keep a worker that has nothing loaded from helping those that are busy', () => {
    const { workers } = open(statusOf({ running: [taskIdOf('t')] }));
    expect(workers.costOfLoading(question())).toBe(0);
    expect(workers.costOfLoading(question([other]))).toBe(1_000);
  });

  it.each([
    ['serves another pool', { pools: ['vdm'] }, {}],
    ['has too little memory', {}, { memoryBytes: 9 }],
    ['makes other bits', { numerics: classesNamed('other') }, {}],
    ['speaks another protocol', { protocol: PROTOCOL_VERSION - 1 }, {}],
    ['has failed the task', {}, { excludedWorkers: ['peer'] }],
    ['drains', { draining: true }, {}],
    ['leaves', { leaving: true }, {}],
    ['is who asks', { name: 'me' }, {}],
  ] as const)('is nothing where the other one %s', (_, status, changes) => {
    const { workers } = open(statusOf(status));
    expect(workers.costOfLoading(question([], changes))).toBe(0);
  });

  it('is nothing once the other one was silent for too long', () => {
    const { workers, time } = open(statusOf());
    time.nowMs = WORKER_SILENT_MS;
    expect(workers.costOfLoading(question())).toBe(1_000);
    time.nowMs += 2_000;
    expect(workers.costOfLoading(question())).toBe(0);
  });
});

describe('where a worker serves what it made', () => {
  it('is what it said last, while it is heard of', () => {
    const { workers, time } = open(statusOf({ address: '10.0.0.1:7' }));
    expect(workers.servedAt('peer')).toEqual({ address: '10.0.0.1:7', host: 'here' });
    expect(workers.servedAt('nobody')).toBeUndefined();
    workers.note(statusOf({ address: '10.0.0.1:8' }));
    expect(workers.servedAt('peer')?.address).toBe('10.0.0.1:8');
    workers.note(statusOf({ name: 'mute' }));
    expect(workers.servedAt('mute')).toBeUndefined();
    workers.note(statusOf({ name: 'gone', address: '10.0.0.2:7' }));
    workers.note(statusOf({ name: 'gone', leaving: true }));
    expect(workers.servedAt('gone')).toBeUndefined();
    time.nowMs = WORKER_SILENT_MS + 2_000;
    expect(workers.servedAt('peer')).toBeUndefined();
  });
});
