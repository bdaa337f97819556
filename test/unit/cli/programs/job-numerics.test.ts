// Goal: the class of a farm's jobs is that of its workers, one while it is there at all.

import { expect, it } from 'vitest';

import { jobNumerics, OF_WORKERS } from '../../../../cli/programs/job-numerics.ts';
import { PROTOCOL_VERSION } from '../../../../common/protocol-version.ts';
import type { Pool } from '../../../../common/task.ts';
import type { WorkerStatus } from '../../../../common/worker-status.ts';
import { simulatedNumerics } from '../../../../coordinator/simulation/tenancy.ts';
import { ownClasses } from '../../../../workers/own-classes.ts';

function worker(
  inference: string,
  more: {
    readonly slots?: number;
    readonly pools?: readonly Pool[];
    readonly protocol?: number;
  } = {},
): WorkerStatus {
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
): () => string {
  const choose = jobNumerics({
    ...{ named: OF_WORKERS, workers: () => farm.workers },
    jobs: () => [
      { numerics: undefined },
      ...jobs.map((one) => ({ numerics: simulatedNumerics(one) })),
    ],
  });
  return () => choose().inference;
}

it('is what is named, whoever is there', () => {
  const choose = jobNumerics({ named: 'x', workers: () => [worker('a')], jobs: () => [] });
  expect(choose()).toEqual(ownClasses('x'));
});

it('is that of most slots of workers that draw', () => {
  const other = PROTOCOL_VERSION + 1;
  const workers = [
    worker('a'),
    worker('b', { slots: 2 }),
    worker('c', { slots: 9, pools: ['vdm'] }),
    worker('d', { slots: 9, protocol: other }),
  ];
  expect(chooser({ workers })()).toBe('b');
});

it('stays while a worker has it, and when all are away', () => {
  const farm = { workers: [worker('a')] };
  const choose = chooser(farm);
  expect(choose()).toBe('a');
  farm.workers = [worker('a'), worker('b', { slots: 8 })];
  expect(choose()).toBe('a');
  farm.workers = [];
  expect(choose()).toBe('a');
  farm.workers = [worker('b')];
  expect(choose()).toBe('b');
});

it('is that of the newest job after a new start, if a worker has it or none is there', () => {
  expect(chooser({ workers: [] }, ['new', 'old'])()).toBe('new');
  expect(chooser({ workers: [worker('a', { slots: 9 }), worker('new')] }, ['new'])()).toBe('new');
  expect(chooser({ workers: [worker('a')] }, ['new'])()).toBe('a');
});

it('is asked for again while nobody knows', () => {
  const farm: { workers: readonly WorkerStatus[] } = { workers: [worker('c', { pools: ['vdm'] })] };
  const choose = chooser(farm);
  expect(choose).toThrow(/no worker that draws frames has been there yet/);
  farm.workers = [worker('a')];
  expect(choose()).toBe('a');
});
