// Goal: the class of a farm's jobs is that of its workers, one while it does as much as any other.

import { expect, it } from 'vitest';

import { checkNumerics, OF_WORKERS } from '../../../../cli/flags/numerics-flag.ts';
import { jobNumerics } from '../../../../cli/programs/job-numerics.ts';
import { PROTOCOL_VERSION } from '../../../../common/protocol-version.ts';
import type { WorkerStatus } from '../../../../common/worker-status.ts';
import { simulatedNumerics } from '../../../../coordinator/simulation/tenancy.ts';
import { inferenceClass } from '../../../../workers/inference/numerics-class.ts';
import { ownClasses } from '../../../../workers/own-classes.ts';

type Told = Partial<Pick<WorkerStatus, 'slots' | 'pools' | 'protocol' | 'draining'>>;

function worker(inference: string, more: Told = {}): WorkerStatus {
  return {
    ...{ name: 'one', pid: 1, host: 'here', memoryBytes: 1, running: [], committed: 0 },
    ...{ protocol: PROTOCOL_VERSION, pools: ['idm'], slots: 1 },
    ...{ draining: false, leaving: false, gathered: { hits: 0, misses: 0, fallbacks: 0 } },
    ...more,
    numerics: simulatedNumerics(inference),
  };
}

function chooser(
  farm: { workers: readonly WorkerStatus[] },
  jobs: readonly string[] = [],
  heard: Promise<unknown> = Promise.resolve(),
): () => Promise<string> {
  const known = jobs.map((one) => ({ numerics: simulatedNumerics(one) }));
  const choose = jobNumerics({
    ...{ named: OF_WORKERS, heard, workers: () => farm.workers },
    jobs: () => [{ numerics: undefined }, ...known],
  });
  return async () => (await choose()).inference;
}

it('is what is named, whoever is there', async () => {
  const heard = new Promise(() => undefined);
  const choose = jobNumerics({ named: 'x', heard, workers: () => [worker('a')], jobs: () => [] });
  expect(await choose()).toEqual(ownClasses('x'));
});

it.each([
  undefined,
  OF_WORKERS,
  inferenceClass(),
  'cuda:nvidia-h200-cpu-x64-avx2/tf32/onnxruntime-1.30.0/v8-13.6',
])('may be named %s', (named) => {
  checkNumerics(named);
});

it.each(['worker', 'cuda-nvidia-h200', ''])('may not be named "%s"', (named) => {
  expect(() => {
    checkNumerics(named);
  }).toThrow(`got "${named}"`);
});

it('is that of most slots of workers that draw', async () => {
  const other = PROTOCOL_VERSION + 1;
  const workers = [
    worker('a'),
    worker('b', { slots: 2 }),
    worker('c', { slots: 9, pools: ['vdm'] }),
    worker('d', { slots: 9, protocol: other }),
  ];
  expect(await chooser({ workers })()).toBe('b');
});

it('is that of workers that can do most of a job', async () => {
  const whole = worker('a', { pools: ['idm', 'mixer', 'vdm'] });
  const farm = { workers: [worker('b', { slots: 9 }), whole] };
  const choose = chooser(farm, ['b']);
  expect(await choose()).toBe('a');
  farm.workers = [worker('b', { slots: 9 }), worker('b', { pools: ['mixer', 'vdm'] }), whole];
  expect(await choose()).toBe('a');
});

it('is not that of workers that leave, unless all do', async () => {
  const leaving = worker('old', { slots: 9, draining: true });
  expect(await chooser({ workers: [leaving, worker('new')] }, ['old'])()).toBe('new');
  expect(await chooser({ workers: [leaving] })()).toBe('old');
});

it('stays while a worker has it, and when all are away', async () => {
  const farm = { workers: [worker('a')] };
  const choose = chooser(farm);
  expect(await choose()).toBe('a');
  farm.workers = [worker('a'), worker('b', { slots: 8 })];
  expect(await choose()).toBe('a');
  farm.workers = [];
  expect(await choose()).toBe('a');
  farm.workers = [worker('b')];
  expect(await choose()).toBe('b');
});

it('is that of the newest job after a new start, if a worker has it or none is there', async () => {
  expect(await chooser({ workers: [] }, ['new', 'old'])()).toBe('new');
  const both = { workers: [worker('a', { slots: 9 }), worker('new')] };
  expect(await chooser(both, ['new'])()).toBe('new');
  expect(await chooser({ workers: [worker('a')] }, ['new'])()).toBe('a');
});

it('is not settled before it is known who is there', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const farm = { workers: [worker('b')] };
  const chosen = chooser(farm, ['a', 'b'], promise)();
  farm.workers = [worker('b', { slots: 9 }), worker('a')];
  resolve(undefined);
  expect(await chosen).toBe('a');
});

it('is asked for again while nobody knows', async () => {
  const farm: { workers: readonly WorkerStatus[] } = { workers: [worker('c', { pools: ['vdm'] })] };
  const choose = chooser(farm);
  await expect(choose()).rejects.toThrow(/no worker that draws frames has been there yet/);
  farm.workers = [worker('a')];
  expect(await choose()).toBe('a');
});
