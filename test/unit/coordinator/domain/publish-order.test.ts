// Who publishes what next, and which queued job becomes active: the cases that README.md promises, by name.

import { describe, expect, it } from 'vitest';

import type { Pool } from '../../../../common/task.ts';
import { PublishingFarm, standingOf } from '../../../support/publishing-farm.ts';
import type { FarmJob, WorkerGroup } from '../../../support/publishing-farm.ts';

const ALL: readonly Pool[] = ['idm', 'mixer', 'vdm'];

const workers = (slots: number, pools = ALL, numericsKey = 'c'): WorkerGroup => ({
  numericsKey,
  pools,
  slots,
});

const count = (published: readonly string[], what: string): number =>
  published.filter((one) => one.includes(what)).length;

describe('what is published next', () => {
  it('is of the more urgent job, also where one of a lesser is further down the pipeline', () => {
    const farm = new PublishingFarm([workers(2)]).add(
      { id: 'low', priority: 1, ready: { vdm: 9 } },
      { id: 'high', priority: 2, ready: { idm: 3 } },
    );
    expect(farm.publish()).toEqual(['high idm', 'high idm', 'high idm', 'low vdm']);
  });

  it('is what is furthest down the pipeline, within a job', () => {
    const farm = new PublishingFarm([workers(2)]).add({
      id: 'job',
      ready: { any: 1, idm: 1, mixer: 1, vdm: 1 },
    });
    expect(farm.publish()).toEqual(['job vdm', 'job mixer', 'job idm', 'job any']);
  });

  it('is of another job where all that the first has ready is for pools without room', () => {
    const farm = new PublishingFarm([workers(1, ['vdm']), workers(1, ['idm'])]).add(
      { id: 'high', priority: 2, ready: { vdm: 9 } },
      { id: 'low', priority: 1, ready: { idm: 9 } },
    );
    expect(farm.publish()).toEqual(['high vdm', 'high vdm', 'low idm', 'low idm']);
  });

  it('is of the earlier job among those of one owner, and follows a changed priority', () => {
    const [late, early]: FarmJob[] = [
      { id: 'a', atMs: 2, ready: { idm: 9 } },
      { id: 'b', atMs: 1, ready: { idm: 9 } },
    ];
    const farm = new PublishingFarm([workers(1)]).add(late!, early!);
    expect(farm.publishOne()?.job.jobId).toBe('b');
    farm.order.place(standingOf({ ...late!, priority: 1 }));
    expect(farm.publishOne()?.job.jobId).toBe('a');
  });

  it('is of the owner who has least for their weight, also against what is out for long', () => {
    const shares = { two: { weight: 2, quota: Infinity } };
    const farm = new PublishingFarm([workers(3)], shares);
    farm.add({ id: 'first', owner: 'one', ready: { vdm: 9 } });
    expect(farm.publish()).toHaveLength(6);
    farm.add({ id: 'second', owner: 'two', ready: { idm: 9 } });
    for (let ended = 0; ended < 4; ended += 1) {
      farm.settle(0);
      expect(farm.publish()).toEqual(['second idm']);
    }
    farm.settle(0);
    expect(farm.publish()).toEqual(['first vdm']);
  });

  it('is never beyond an owner`s quota, and what they may not publish is others` to have', () => {
    const shares = { small: { weight: 1, quota: 2 } };
    const farm = new PublishingFarm([workers(3)], shares).add(
      { id: 'mine', owner: 'small', priority: 9, ready: { idm: 9 } },
      { id: 'more', owner: 'small', priority: 9, ready: { idm: 9 } },
      { id: 'other', owner: 'big', ready: { idm: 9 } },
    );
    const published = farm.publish();
    expect([count(published, 'mine'), count(published, 'other')]).toEqual([2, 4]);
  });

  it.each([
    ['of no time that is known', 4, undefined, 8],
    ['of milliseconds', 4, 0.01, 8],
    ['of some seconds', 8, 2, 12],
    ['of minutes', 8, 100, 9],
    ['of minutes, on the only slot', 1, 100, 1],
    ['of milliseconds, on the only slot', 1, 0.01, 2],
  ] as const)('is a second of work ahead at most where tasks are %s', (_, slots, seconds, most) => {
    const farm = new PublishingFarm(
      [workers(slots)],
      {},
      { secondsOf: () => seconds, secondsOfAll: () => seconds },
    );
    farm.add({ id: 'job', ready: { idm: 99 } });
    expect(farm.publish()).toHaveLength(most);
  });

  it('is a little for the first worker to come, where there is none yet', () => {
    const farm = new PublishingFarm([]).add({ id: 'job', ready: { any: 9, idm: 9 } });
    expect(farm.publish()).toEqual(['job idm', 'job idm']);
  });

  it('leaves room to others when a job waits for workers of a class that is not there', () => {
    const shares = { me: { weight: 1, quota: 4 } };
    const farm = new PublishingFarm([workers(2)], shares).add(
      { id: 'foreign', owner: 'me', priority: 9, numericsKey: 'd', ready: { idm: 9 } },
      { id: 'ours', owner: 'me', ready: { idm: 9 } },
    );
    const published = farm.publish();
    expect([count(published, 'foreign'), count(published, 'ours')]).toEqual([2, 4]);
  });

  it('is nothing of a job that has left', () => {
    const farm = new PublishingFarm([workers(2)]).add({ id: 'job', ready: { idm: 9 } });
    farm.order.leave(standingOf({ id: 'job' }).jobId);
    expect(farm.publish()).toEqual([]);
  });
});

describe('which queued job becomes active', () => {
  it('is the first in order, until openings of those before it are enough', () => {
    const farm = new PublishingFarm([workers(2)]).queue(
      { id: 'late', atMs: 2 },
      { id: 'early', atMs: 1 },
    );
    expect(farm.order.nextToBegin()).toBe('early');
    farm.add({ id: 'early', atMs: 1, openingLeft: 3 });
    expect(farm.order.nextToBegin()).toBe('late');
    farm.add({ id: 'more', atMs: 1, openingLeft: 1 });
    expect(farm.order.nextToBegin()).toBeUndefined();
  });

  it('is one that goes before every active job, at once', () => {
    const farm = new PublishingFarm([workers(2)]).add({ id: 'wide', openingLeft: 1_000 });
    farm.queue({ id: 'equal', atMs: 1 });
    expect(farm.order.nextToBegin()).toBeUndefined();
    farm.queue({ id: 'equal', atMs: 1, priority: 1 });
    expect(farm.order.nextToBegin()).toBe('equal');
  });

  it('is one of an owner who has less of the farm, whatever others have opened', () => {
    const farm = new PublishingFarm([workers(2)]).add({
      id: 'wide',
      owner: 'one',
      openingLeft: 1_000,
      ready: { idm: 4 },
    });
    farm.publish();
    farm.queue({ id: 'mine', owner: 'two', atMs: 9 });
    expect(farm.order.nextToBegin()).toBe('mine');
  });

  it('does not wait for openings that an owner has no quota for, and begins none for them', () => {
    const shares = { small: { weight: 1, quota: 1 } };
    const wide = { id: 'wide', owner: 'small', priority: 9, openingLeft: 1_000, ready: { idm: 1 } };
    const farm = new PublishingFarm([workers(2)], shares).add(wide);
    farm.publish();
    farm.queue({ id: 'small too', owner: 'small', priority: 8 }, { id: 'other', owner: 'big' });
    expect(farm.order.nextToBegin()).toBe('other');
  });

  it('is not stopped by jobs that wait for another class, and of these only a few begin', () => {
    const foreign = (id: string): FarmJob => ({ id, priority: 9, numericsKey: 'd' });
    const farm = new PublishingFarm([workers(2)]);
    farm.queue(foreign('d1'), foreign('d2'), foreign('d3'), { id: 'ours' });
    expect(farm.order.nextToBegin()).toBe('d1');
    // Of its opening all is done: it waits for what comes after.
    farm.add({ ...foreign('d1'), openingLeft: 0 }, { ...foreign('d2'), openingLeft: 0 });
    expect(farm.order.nextToBegin()).toBe('ours');
    farm.add({ id: 'ours', openingLeft: 4 });
    expect(farm.order.nextToBegin()).toBeUndefined();
  });

  it('is asked for where there is room for openings and something is queued', () => {
    const farm = new PublishingFarm([workers(1, ['idm']), workers(1, ['vdm'])]);
    expect(farm.order.lacksOpenings).toBe(false);
    farm.queue({ id: 'job' });
    expect(farm.order.lacksOpenings).toBe(true);
    farm.add({ id: 'active', ready: { idm: 2 } }).publish();
    expect(farm.order.lacksOpenings).toBe(false);
    // What is out for other pools takes room of all too.
    farm.settle(0);
    farm.add({ id: 'later', ready: { vdm: 2, any: 1 } }).publish();
    expect(farm.order.lacksOpenings).toBe(false);
    farm.settle(0);
    expect(farm.order.lacksOpenings).toBe(true);
  });

  it('is none beyond what memory is for, however urgent', () => {
    const farm = new PublishingFarm([workers(2)]);
    for (let job = 0; job < 2_048; job += 1) farm.add({ id: `job ${job}`, openingLeft: 0 });
    farm.queue({ id: 'urgent', priority: 100 });
    expect(farm.order.nextToBegin()).toBeUndefined();
    farm.order.leave(standingOf({ id: 'job 7' }).jobId);
    expect(farm.order.nextToBegin()).toBe('urgent');
  });
});
