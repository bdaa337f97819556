// Whatever comes late, is cut or is lost on the way: no pod that has a lease is ended, bounds hold, and what is not seen whole and fresh
// changes nothing.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { digestText } from '../../../common/digest.ts';
import { numericsKeyOf } from '../../../common/stage-facts.ts';
import type { JobId, Stage } from '../../../common/task.ts';
import type { StageLeft } from '../../../coordinator/domain/cost.ts';
import { CompleteList } from '../../../coordinator/scaling/complete-list.ts';
import type { ListPage } from '../../../coordinator/scaling/complete-list.ts';
import type { JobAhead } from '../../../coordinator/scaling/predicted-work.ts';
import { Scaler, VIEW_AGE_MS_MAX } from '../../../coordinator/scaling/scaler.ts';
import { CLASS, ScaledFarm } from '../../support/scaled-farm.ts';

const MIN = 1;
const MAX = 8;
const EPOCH_MS = Date.UTC(2026, 0, 1);

const numbers = fc.array(fc.nat(20), { minLength: 1, maxLength: 6 });
const seldom = <T>(usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
const duration = (max: number): fc.Arbitrary<number> => fc.double({ min: 0, max, noNaN: true });
const step = fc.record({
  seconds: seldom(2.5, duration(90)),
  stirred: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, numbers),
  stirredLate: seldom([], numbers),
  lostBeats: seldom([], numbers),
  /** Seconds between the view and what is done by it. */
  lateSeconds: seldom(0, duration(15)),
  cut: seldom(0, fc.integer({ min: 1, max: 3 })),
  lost: fc.record({ rest: seldom(false, fc.boolean()), marks: seldom(false, fc.boolean()) }),
  windows: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(30)),
  /** Somebody else sets replicas. */
  other: fc.oneof(
    { weight: 15, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: MAX + 2 }) },
  ),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const settings = {
  targetSeconds: 600,
  pools: {
    vdm: {
      ...{ deployment: 'vdm', min: MIN, max: MAX, slotsPerWorker: 1 },
      ...{ cooldownSeconds: 5, startSeconds: 60 },
    },
  },
};

function jobsOf(windows: number, wallMs: number): readonly JobAhead[] {
  if (windows === 0) return [];
  const left = new Map<Stage, StageLeft>([
    ['smooth', { units: windows * 500, tasks: windows, total: windows }],
  ]);
  const jobId = digestText('job') as string as JobId;
  const facts = { jobId, priority: 0, submittedAtMs: wallMs - 60_000, pixels: 512 * 512 };
  return [{ ...facts, numericsKey: numericsKeyOf(CLASS), left, measured: new Map() }];
}

async function take(farm: ScaledFarm, scaler: Scaler, step: Step) {
  farm.nowMs += step.seconds * 1000;
  if (step.other !== undefined) {
    farm.scale(step.other);
    // What others end is not the scaler's.
    farm.lost.length = 0;
  }
  farm.beat(step.lostBeats);
  const cut = Math.min(step.cut, farm.pods.length);
  const view = await farm.view(cut);
  const before = farm.replicas;
  // Meanwhile tasks begin and end.
  farm.stir(step.stirred);
  farm.nowMs += step.lateSeconds * 1000;
  farm.stir(step.stirredLate);
  const wallMs = EPOCH_MS + farm.nowMs;
  const jobs = jobsOf(step.windows, wallMs);
  const { workers } = farm;
  const decision = scaler.look({ view, workers, jobs, nowMs: farm.nowMs, wallMs });
  for (const name of decision.rest) expect(workers.byName.get(name)?.status.running).toEqual([]);
  const resting = farm.pods.filter(({ restsUntilMs }) => restsUntilMs > farm.nowMs).length;
  farm.apply(decision, step.lost);
  return { decision, before, cut, resting };
}

describe('the scaler', () => {
  it('ends no pod that has a lease, keeps to its bounds, and does nothing on what is cut or old', async () => {
    let lowered = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), async (steps) => {
        const farm = new ScaledFarm();
        const scaler = new Scaler(settings);
        farm.scale(4);
        farm.stir([0, 1, 2, 3]);
        farm.nowMs += 5_000;
        farm.stir([0, 1, 2, 3]);
        for (const one of steps) {
          const { decision, before, cut, resting } = await take(farm, scaler, one);
          expect(farm.lost).toEqual([]);
          for (const { to } of decision.replicas) {
            expect(to).toBeGreaterThanOrEqual(Math.min(MIN, before));
            expect(to).toBeLessThanOrEqual(Math.max(MAX, before));
            if (to < before && resting > 0) lowered += 1;
          }
          const isOld = one.lateSeconds * 1000 > VIEW_AGE_MS_MAX;
          if (cut === 0 && !isOld) continue;
          expect(decision).toMatchObject({ replicas: [], marks: [], rest: [] });
          expect(decision.troubles).toHaveLength(1);
        }
      }),
      { numRuns: 300 },
    );
    // Else it would all be for nothing.
    expect(lowered).toBeGreaterThan(100);
  });
});

describe('a list', () => {
  const pagesOf = (sizes: readonly number[]): ListPage<number>[] => {
    let next = 0;
    return sizes.map((size, index) => ({
      resourceVersion: '7',
      items: Array.from({ length: size }, () => (next += 1)),
      ...(index < sizes.length - 1 && { next: String(index + 1), remaining: 1 }),
    }));
  };
  const collect = (pages: readonly ListPage<number>[]) =>
    CompleteList.collect(
      'numbers',
      () => 5,
      (next) => {
        const page = pages[Number(next ?? 0)];
        return page === undefined ? Promise.reject(new Error('500')) : Promise.resolve(page);
      },
    );
  const sizes = fc.array(fc.nat(4), { minLength: 1, maxLength: 6 });

  it('is all pages in order', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async (all) => {
        const list = await collect(pagesOf(all));
        const total = all.reduce((sum, size) => sum + size, 0);
        expect(list.items).toEqual(Array.from({ length: total }, (_, index) => index + 1));
        expect(list.asOfMs).toBe(5);
      }),
    );
  });

  it('is none if any page is refused, is none, has no version or another, or says that there were more', async () => {
    const damages: readonly ((page: ListPage<number>) => ListPage<number> | undefined)[] = [
      () => undefined,
      (page) => ({ ...page, items: undefined }),
      (page) => ({ ...page, resourceVersion: undefined }),
      (page) => ({ ...page, resourceVersion: '' }),
      (page) => ({ ...page, resourceVersion: '8' }),
      (page) => ({ ...page, next: undefined, remaining: 2 }),
    ];
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), fc.constantFrom(...damages), async (all, at, damage) => {
        // A single page of another version is simply of that version.
        const pages = pagesOf([...all, 1]);
        const index = at % pages.length;
        const damaged = damage(pages[index]!);
        const broken = pages.map((page, number) => (number === index ? damaged : page));
        await expect(collect(broken as ListPage<number>[])).rejects.toThrow();
      }),
    );
  });
});
