// Goal: a job's seconds are those of all its runs, whoever ran it and however they ended, and nothing of what lay between them. Method:
// the real coordinator, memory bus and memory store, scripted workers, and clocks that the test puts forward by far more than it takes.

import { afterEach, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import type { Store } from '../../../../common/store/ports.ts';
import { systemClock } from '../../../../coordinator/ports.ts';
import { CoordinatorHarness } from '../../../support/farm/coordinator-harness.ts';
import type { HarnessOptions } from '../../../support/farm/coordinator-harness.ts';
import { acceptedJob } from '../../../support/jobs.ts';

const SUBMISSION = { name: 'a job', priority: 50 };
/** When a scripted worker's results are made. */
const RESULTS_MS = Date.parse('2026-01-01');
/** More than a case takes. */
const SLACK = 60;

const farms: CoordinatorHarness[] = [];
afterEach(async () => {
  await Promise.all(farms.splice(0).map((farm) => farm.close()));
});

/** Clocks that go by themselves, and can be put forward. */
function movableTime() {
  let aheadMs = 0;
  const nowMs = () => systemClock.nowMs() + aheadMs;
  return {
    nowMs,
    clock: { ...systemClock, nowMs },
    pass: (seconds: number) => {
      aheadMs += 1000 * seconds;
    },
  };
}

/** A farm whose worker stops at a task of this stage until it is let go. */
function start(options: HarnessOptions, held: Promise<unknown> = Promise.resolve()) {
  const farm = new CoordinatorHarness(options);
  farms.push(farm);
  const smoothing = Promise.withResolvers<undefined>();
  farm.addWorker('w1', async ({ stage }) => {
    if (stage !== 'smooth') return;
    smoothing.resolve(undefined);
    await held;
  });
  return { farm, smoothing: smoothing.promise };
}

/** A store that takes no entry of this kind into a job's log. */
function withoutRoomFor(kind: string): Store {
  const store = createMemoryStore();
  const putDocument: Store['putDocument'] = async (name, bytes) => {
    if (name.kind === 'job-event' && Buffer.from(bytes).includes(`"kind":"${kind}"`)) {
      throw new BivdiffError('resource-exhausted', 'the disk is full');
    }
    return store.putDocument(name, bytes);
  };
  return new Proxy(store, {
    get: (target, key) => {
      if (key === 'putDocument') return putDocument;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function expectSeconds(found: number | undefined, least: number): void {
  expect(found).toBeGreaterThanOrEqual(least);
  expect(found).toBeLessThan(least + SLACK);
}

it('counts the runs before and after a pause, and not the pause', async () => {
  const held = Promise.withResolvers<undefined>();
  const { nowMs, clock, pass } = movableTime();
  const { farm, smoothing } = start({ nowMs, clock }, held.promise);
  const { coordinator } = farm;
  const { jobId } = await coordinator.submit(acceptedJob(), SUBMISSION);
  await smoothing;
  pass(100);
  expectSeconds(coordinator.get(jobId).seconds, 100);
  expectSeconds((await coordinator.pause(jobId)).seconds, 100);
  pass(10_000);
  expectSeconds(coordinator.get(jobId).seconds, 100);
  await coordinator.resume(jobId);
  await farm.until(jobId, 'running');
  pass(100);
  expectSeconds(coordinator.get(jobId).seconds, 200);
  held.resolve(undefined);
  const { facts, seconds } = await farm.until(jobId, 'done');
  expectSeconds(facts.seconds, 200);
  expect(seconds).toBe(facts.seconds);
  const kinds = coordinator.logOf(jobId).log.entries.map(({ kind }) => kind);
  expect(kinds).toEqual(['submitted', 'begun', 'paused', 'resumed', 'begun', 'done']);
});

it('counts the run of a coordinator that ended without a word up to its last result', async () => {
  const held = Promise.withResolvers<undefined>();
  const first = movableTime();
  // By the clock of people, the results are made 100 s after the job began.
  const beginMs = RESULTS_MS - 100_000;
  const { farm, smoothing } = start({ nowMs: () => beginMs }, held.promise);
  const { jobId } = await farm.coordinator.submit(acceptedJob(), SUBMISSION);
  await smoothing;
  held.resolve(undefined);
  await farm.close();

  const { farm: next } = start({ ...first, nowMs: () => beginMs + 10_000_000, store: farm.store });
  await next.coordinator.known;
  const { facts } = await next.until(jobId, 'done');
  expectSeconds(facts.seconds, 100);
});

it('counts nothing twice where a run was left because the store was away', async () => {
  const { nowMs, clock, pass } = movableTime();
  let isAway = true;
  const { farm } = start({
    ...{ nowMs, clock },
    conclude: () => {
      if (!isAway) return Promise.resolve();
      isAway = false;
      pass(100);
      return Promise.reject(new BivdiffError('unavailable', 'the store is away'));
    },
  });
  const { jobId } = await farm.coordinator.submit(acceptedJob(), SUBMISSION);
  const { facts } = await farm.until(jobId, 'done');
  expectSeconds(facts.seconds, 100);
  const kinds = farm.coordinator.logOf(jobId).log.entries.map(({ kind }) => kind);
  expect(kinds).toEqual(['submitted', 'begun', 'done']);
});

it('runs a job also where its log cannot take that it has begun', async () => {
  const { nowMs, clock, pass } = movableTime();
  const held = Promise.withResolvers<undefined>();
  const { farm, smoothing } = start({ nowMs, clock, store: withoutRoomFor('begun') }, held.promise);
  const { jobId } = await farm.coordinator.submit(acceptedJob(), SUBMISSION);
  await smoothing;
  pass(100);
  held.resolve(undefined);
  expectSeconds((await farm.until(jobId, 'done')).seconds, 100);
});

it('counts from its submission on what is submitted anew', async () => {
  const held = Promise.withResolvers<undefined>();
  const { nowMs, clock, pass } = movableTime();
  const { farm, smoothing } = start({ nowMs, clock }, held.promise);
  const { jobId } = await farm.coordinator.submit(acceptedJob(), SUBMISSION);
  await smoothing;
  pass(100);
  expectSeconds((await farm.coordinator.cancel(jobId)).seconds, 100);
  held.resolve(undefined);
  await farm.coordinator.submit(acceptedJob(), SUBMISSION);
  expectSeconds((await farm.until(jobId, 'done')).seconds, 0);
});
