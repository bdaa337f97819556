// The publishing order, whatever jobs and workers there are: limits and quotas hold, urgent goes first, nobody starves, and it does not
// matter who came when. What fits is worked out here anew, by looking at everything.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Pool } from '../../../common/task.ts';
import type { Share } from '../../../coordinator/domain/job-rank.ts';
import { POOLS, PublishingFarm, standingOf } from '../../support/publishing-farm.ts';
import type { FarmJob, OutTask, WorkerGroup } from '../../support/publishing-farm.ts';

const CLASSES = ['c', 'd'];
const NOBODYS = 'nobody';
const OWNERS = ['ann', 'bob', 'cy'];
const OUT_MIN = 2;

interface Scene {
  readonly workers: readonly WorkerGroup[];
  readonly shares: Readonly<Record<string, Share>>;
  readonly jobs: readonly FarmJob[];
}

const workers: fc.Arbitrary<WorkerGroup> = fc.record({
  numericsKey: fc.constantFrom(...CLASSES),
  pools: fc.subarray(['vdm', 'mixer', 'idm'] as Pool[], { minLength: 1 }),
  slots: fc.integer({ min: 1, max: 4 }),
});
const share: fc.Arbitrary<Share> = fc.record({
  weight: fc.constantFrom(0.5, 1, 2, 3),
  quota: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(Infinity)),
});
const ready = fc.record(
  Object.fromEntries(POOLS.map((pool) => [pool, fc.nat(5)])) as Record<Pool, fc.Arbitrary<number>>,
);
const job: fc.Arbitrary<Omit<FarmJob, 'id'>> = fc.record({
  owner: fc.constantFrom(...OWNERS),
  priority: fc.nat(2),
  atMs: fc.nat(2),
  numericsKey: fc.constantFrom(...CLASSES, NOBODYS),
  openingLeft: fc.nat(8),
  ready,
});
const scene: fc.Arbitrary<Scene> = fc.record({
  workers: fc.array(workers, { maxLength: 4 }),
  shares: fc.record(Object.fromEntries(OWNERS.map((owner) => [owner, share]))),
  jobs: fc
    .array(job, { maxLength: 8 })
    .map((jobs) => jobs.map((one, index) => ({ ...one, id: `job ${index}` }))),
});
/** Which of the tasks that are out end after a round: numbers to be taken modulo how many there are. */
const rounds = fc.array(fc.array(fc.nat(99), { maxLength: 5 }), { maxLength: 5 });

const farmOf = ({ workers: groups, shares }: Scene): PublishingFarm =>
  new PublishingFarm(groups, shares);

const limit = (farm: PublishingFarm, pool: Pool, numericsKey: string): number =>
  Math.max(OUT_MIN, 2 * farm.slotsOf(pool, numericsKey));

const isServed = (farm: PublishingFarm, numericsKey: string): boolean =>
  farm.slotsOf('any', numericsKey) > 0;

/** Tasks of the owner out, as they count for jobs of a class. */
function countFor(farm: PublishingFarm, { owner = '', numericsKey = '' }: FarmJob): number {
  return farm.out.filter(
    ({ job: other }) =>
      other.owner === owner &&
      (other.numericsKey === numericsKey || isServed(farm, other.numericsKey)),
  ).length;
}

/** Whether one more task of the job could be published. */
function fits(farm: PublishingFarm, one: FarmJob, pool: Pool): boolean {
  const { id, owner = '', numericsKey = '' } = one;
  return (
    farm.readyCount(id, pool) > 0 &&
    farm.countOf(pool, numericsKey) < limit(farm, pool, numericsKey) &&
    farm.totalOf(numericsKey) < limit(farm, 'any', numericsKey) &&
    countFor(farm, one) < farm.shares[owner]!.quota
  );
}

/** Publishes and settles by turns, and looks at every step. */
function play(
  { jobs, ...rest }: Scene,
  ends: readonly (readonly number[])[],
  look: (farm: PublishingFarm, before: readonly FarmJob[], task: OutTask | undefined) => void,
): void {
  const farm = farmOf({ jobs, ...rest }).add(...jobs);
  for (const ended of [...ends, []]) {
    for (;;) {
      const fitting = jobs.filter((one) => POOLS.some((pool) => fits(farm, one, pool)));
      const task = farm.publishOne();
      look(farm, fitting, task);
      if (task === undefined) break;
    }
    for (const index of ended) if (farm.out.length > 0) farm.settle(index % farm.out.length);
  }
}

describe('the publishing order', () => {
  it('never has more out than the limits, nor an owner more than the quota', () => {
    fc.assert(
      fc.property(scene, rounds, (all, ends) => {
        play(all, ends, (farm) => {
          for (const numericsKey of [...CLASSES, NOBODYS]) {
            const total = farm.totalOf(numericsKey);
            expect(total).toBeLessThanOrEqual(limit(farm, 'any', numericsKey));
            for (const pool of POOLS) {
              const most = limit(farm, pool, numericsKey);
              expect(farm.countOf(pool, numericsKey)).toBeLessThanOrEqual(most);
            }
            for (const owner of OWNERS) {
              // What is out for nobody counts against the quota among itself only.
              const count = countFor(farm, { id: '', owner, numericsKey });
              const isAsked = farm.countOfOwner(owner, numericsKey) > 0;
              if (isAsked && isServed(farm, numericsKey)) {
                expect(count).toBeLessThanOrEqual(all.shares[owner]!.quota);
              }
            }
          }
        });
      }),
    );
  });

  it('publishes what fits, never of a lower priority while a higher has something', () => {
    fc.assert(
      fc.property(scene, rounds, (all, ends) => {
        play(all, ends, (_, fitting, task) => {
          if (task === undefined) return;
          expect(fitting.map(({ id }) => id)).toContain(task.job.jobId);
          const most = Math.max(...fitting.map(({ priority }) => priority!));
          expect(task.job.priority).toBe(most);
        });
      }),
    );
  });

  it('stops only when nothing that is ready fits', () => {
    fc.assert(
      fc.property(scene, rounds, (all, ends) => {
        play(all, ends, (_, fitting, task) => {
          if (task === undefined) expect(fitting).toEqual([]);
        });
      }),
    );
  });

  it('comes to every task at last, where tasks end and somebody serves', () => {
    fc.assert(
      fc.property(scene, (all) => {
        const farm = farmOf(all).add(...all.jobs);
        let left = all.jobs.reduce(
          (sum, { ready: counts }) => sum + POOLS.reduce((n, pool) => n + (counts?.[pool] ?? 0), 0),
          0,
        );
        while (left > 0) {
          const published = farm.publish().length;
          expect(published).toBeGreaterThan(0);
          left -= published;
          while (farm.out.length > 0) farm.settle(0);
        }
        expect(farm.order.next()).toBeUndefined();
      }),
    );
  });

  it('gives owners of equal jobs parts by their weights, within one task', () => {
    const weights = fc.array(fc.constantFrom(1, 2, 3, 5, 8), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 40 }), (ofOwners, slots) => {
        const owners = ofOwners.map((weight, index) => ({ owner: `owner ${index}`, weight }));
        const shares = Object.fromEntries(
          owners.map(({ owner, weight }) => [owner, { weight, quota: Infinity }]),
        );
        const group = { numericsKey: 'c', pools: ['idm'] as const, slots };
        const farm = new PublishingFarm([group], shares);
        owners.forEach(({ owner }) => farm.add({ id: owner, owner, ready: { idm: 100 } }));
        expect(farm.publish()).toHaveLength(2 * slots);
        const sum = ofOwners.reduce((total, weight) => total + weight, 0);
        for (const one of owners) {
          const count = farm.countOfOwner(one.owner, 'c');
          for (const other of owners) {
            const part = (farm.countOfOwner(other.owner, 'c') * one.weight) / other.weight;
            expect(count - 1).toBeLessThanOrEqual(part + 1e-9);
          }
          // With the pairs follows: no more than a task above the part of all.
          expect(count - 1).toBeLessThanOrEqual((2 * slots * one.weight) / sum);
        }
      }),
    );
  });

  it('gives jobs of a class that nobody serves no room of the others', () => {
    fc.assert(
      fc.property(scene, (all) => {
        const isTheirs = (one: FarmJob): boolean =>
          all.workers.some(({ numericsKey }) => numericsKey === one.numericsKey);
        const theirs = all.jobs.filter(isTheirs);
        const ids = new Set(theirs.map(({ id }) => id));
        const alone = farmOf(all)
          .add(...theirs)
          .publish();
        const together = farmOf(all)
          .add(...all.jobs)
          .publish();
        expect(together.filter((task) => ids.has(task.replace(/ \w+$/, '')))).toEqual(alone);
      }),
    );
  });

  it('does not depend on the order in which jobs came', () => {
    const shuffled = scene.chain((all) =>
      fc.tuple(
        fc.constant(all),
        fc.shuffledSubarray([...all.jobs], { minLength: all.jobs.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, (pair) => {
        const [all, jobs] = pair;
        const [one, other] = [all.jobs, jobs].map((added) => farmOf(all).add(...added));
        expect(one!.publish()).toEqual(other!.publish());
        const begun = [all.jobs, jobs].map((queued) => beginAll(farmOf(all), queued));
        expect(begun[0]).toEqual(begun[1]);
      }),
    );
  });

  it('begins a queued job that is more urgent than every active one, at once', () => {
    fc.assert(
      fc.property(scene, job, (all, others) => {
        const urgent = { ...others, id: 'urgent', priority: 9 };
        const farm = farmOf(all).add(...all.jobs);
        farm.publish();
        farm.queue(urgent);
        const { owner = '', numericsKey = '' } = urgent;
        const isAlone = isServed(farm, numericsKey);
        const hasQuota = countFor(farm, urgent) < farm.shares[owner]!.quota;
        fc.pre(isAlone && hasQuota);
        expect(farm.order.nextToBegin()).toBe('urgent');
      }),
    );
  });

  it('begins nothing while more urgent queued jobs of the class may begin', () => {
    fc.assert(
      fc.property(scene, (all) => {
        const farm = farmOf(all).queue(...all.jobs);
        const standing = all.jobs
          .map(standingOf)
          .find(({ jobId }) => jobId === farm.order.nextToBegin());
        for (const other of all.jobs) {
          if (other.numericsKey === standing?.numericsKey) {
            expect(other.priority).toBeLessThanOrEqual(standing!.priority);
          }
        }
      }),
    );
  });
});

/** Who begins, in turn, until no more do. */
function beginAll(farm: PublishingFarm, jobs: readonly FarmJob[]): string[] {
  farm.queue(...jobs);
  const begun: string[] = [];
  for (let id = farm.order.nextToBegin(); id !== undefined; id = farm.order.nextToBegin()) {
    begun.push(id);
    farm.add(jobs.find((one) => one.id === id)!);
    farm.publish();
  }
  return begun;
}
