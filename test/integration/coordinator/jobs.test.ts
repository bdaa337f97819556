// Goal: what happened to a job is known after the coordinator has gone, and a job that is over can be forgotten without leaving half of
// it behind. Method: the real coordinator, memory bus and memory store, scripted workers.

import { afterEach, describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../common/errors.ts';
import { createMemoryStore } from '../../../common/store/memory/index.ts';
import { DOCUMENT_KINDS } from '../../../common/store/names.ts';
import type { Store } from '../../../common/store/ports.ts';
import { DEFAULT_FAILURE_POLICY } from '../../../coordinator/domain/failure-policy.ts';
import { fractionOf, progressOf } from '../../../coordinator/jobs/job-progress.ts';
import { CoordinatorHarness } from '../../support/farm/coordinator-harness.ts';
import type { HarnessOptions } from '../../support/farm/coordinator-harness.ts';
import { acceptedJob } from '../../support/jobs.ts';

const SUBMISSION = { name: 'a job', priority: 50 };
/** History, manifest, request and spec (one delete each, whether it is there or not), submitted, begun, done, priority, deleted. */
const DELETED_DOCUMENTS = 1 + 3 + 5;
const HOUR = 3_600_000;

/** Names of all documents of a job, `epoch` left out. */
async function documentsOf(store: Store): Promise<readonly string[]> {
  const kinds = DOCUMENT_KINDS.filter((kind) => kind !== 'epoch');
  const lists = await Promise.all(kinds.map((kind) => store.listDocuments(kind)));
  return lists.flat().map(({ kind }) => kind);
}

/** The store of a process that dies at a document's deletion. */
function dyingAfter(store: Store, deletions: number): Store {
  let left = deletions;
  const deleteDocument: Store['deleteDocument'] = async (name) => {
    if (left <= 0) throw new BivdiffError('unavailable', 'it died');
    left -= 1;
    await store.deleteDocument(name);
  };
  return new Proxy(store, {
    get: (target, key) => {
      if (key === 'deleteDocument') return deleteDocument;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function failsOnce(): () => void {
  let failed = false;
  return () => {
    if (failed) return;
    failed = true;
    throw new BivdiffError('internal', 'the lane broke');
  };
}

describe('a coordinator', () => {
  const farms: CoordinatorHarness[] = [];
  const start = (options: HarnessOptions = {}): CoordinatorHarness => {
    const farm = new CoordinatorHarness(options);
    farms.push(farm);
    return farm;
  };
  afterEach(async () => {
    await Promise.all(farms.splice(0).map((farm) => farm.close()));
  });

  it('keeps what happened to the tasks of a job, also for the next coordinator', async () => {
    const farm = start();
    farm.addWorker('w1', failsOnce());
    const { jobId } = await farm.coordinator.submit(acceptedJob(), SUBMISSION);
    await farm.until(jobId, 'done');
    await farm.close();
    const next = start({ store: farm.store });
    await next.coordinator.submit(acceptedJob(), SUBMISSION);
    const { log, history } = next.coordinator.logOf(jobId);
    expect(log.entries.map(({ kind }) => kind)).toEqual(['submitted', 'begun', 'done']);
    const events = await history.read();
    expect(events.slice(0, 4)).toMatchObject([
      { kind: 'begun', stage: 'ingest', worker: 'w1', attempt: 1, frames: [0, 3] },
      { kind: 'failed', failure: { code: 'internal', message: 'the lane broke' }, attempt: 1 },
      { kind: 'retried', delayMs: 1 },
      { kind: 'begun' },
    ]);
    // 8 frames in batches of 4, one window, one output.
    expect(events.filter(({ kind }) => kind === 'begun')).toHaveLength(2 * 6 + 4 + 1 + 1);
  });

  it('keeps how far a job had come when it was paused, also for the next coordinator', async () => {
    const farm = start();
    const held = Promise.withResolvers<undefined>();
    farm.addWorker('w1', async ({ stage }) => {
      if (stage === 'smooth') await held.promise;
    });
    const { jobId } = await farm.coordinator.submit(acceptedJob(), SUBMISSION);
    const progress = () => progressOf(farm.coordinator.get(jobId));
    const drawn = { stage: 'generate', total: 2, run: 2, reused: 0 };
    await expect.poll(progress).toMatchObject({ stages: expect.arrayContaining([drawn]) as [] });
    const before = progress();
    expect(before.fraction).toBeGreaterThan(0);
    expect(progressOf(await farm.coordinator.pause(jobId))).toEqual(before);
    held.resolve(undefined);
    await farm.close();

    const next = start({ store: farm.store });
    await next.coordinator.known;
    expect(progressOf(next.coordinator.get(jobId))).toEqual(before);
    // As an older version writes it.
    const { log } = next.coordinator.logOf(jobId);
    await log.append({ kind: 'cancelled', atMs: Date.now() });
    expect(progressOf(next.coordinator.get(jobId))).toEqual(before);
    expect(fractionOf(await next.coordinator.resume(jobId))).toBe(before.fraction);
    // Submitted anew it begins anew, whatever is reused.
    await next.coordinator.cancel(jobId);
    expect(fractionOf(await next.coordinator.submit(acceptedJob(), SUBMISSION))).toBe(0);
  });

  it('sets aside a worker that fails task after task, and notes it in the job', async () => {
    const farm = start({
      policy: { ...DEFAULT_FAILURE_POLICY, retryDelayMs: 1, attemptsMax: 10 },
    });
    farm.addWorker('good');
    farm.addWorker('bad', ({ stage }) => {
      if (stage === 'annotate') throw new BivdiffError('internal', 'no memory');
    });
    const job = acceptedJob({ frames: 64, frameBatch: 1, window: 8 });
    const { jobId } = await farm.coordinator.submit(job, SUBMISSION);
    await farm.until(jobId, 'done');
    expect(farm.workers.standingOf('bad').setAside).toEqual(['annotate']);
    const events = await farm.coordinator.logOf(jobId).history.read();
    expect(events.filter(({ kind }) => kind === 'set-aside')).toMatchObject([
      { worker: 'bad', stage: 'annotate' },
    ]);
  });

  it('runs its jobs beside urgent ones that no worker is of the class of, also after a restart', async () => {
    const submit = async (farm: CoordinatorHarness, seed: number, inference?: string) => {
      const job = acceptedJob({ seed });
      const numerics = { ...job.numerics, ...(inference === undefined ? {} : { inference }) };
      const priority = inference === undefined ? 1 : 90;
      return farm.coordinator.submit({ ...job, numerics }, { name: 'a job', priority });
    };
    const first = start();
    for (const seed of [1, 2, 3, 4]) await submit(first, seed, 'of another machine');
    const { jobId } = await submit(first, 5);
    await first.close();
    const next = start({ store: first.store });
    next.addWorker('w1');
    await next.coordinator.known;
    await next.until(jobId, 'done');
    const states = next.coordinator.list().map(({ state }) => state);
    expect(states.filter((state) => state === 'running')).toHaveLength(2);
    expect(states.filter((state) => state === 'queued')).toHaveLength(2);
  });

  it('begins a job at once that is more urgent than all that run, and one that is made so', async () => {
    const farm = start();
    const busy = Promise.withResolvers<undefined>();
    farm.addWorker('w1', async () => busy.promise.then(() => undefined));
    const submit = async (seed: number, priority: number) =>
      farm.coordinator.submit(acceptedJob({ frames: 64, seed }), { name: 'a job', priority });
    const wide = await submit(1, 50);
    const equal = await submit(2, 50);
    expect(farm.coordinator.get(equal.jobId).state).toBe('queued');
    const urgent = await submit(3, 51);
    await farm.until(urgent.jobId, 'running');
    await farm.coordinator.setPriority(equal.jobId, 99);
    await farm.until(equal.jobId, 'running');
    expect(farm.coordinator.get(wide.jobId).state).toBe('running');
    busy.resolve(undefined);
  });

  it('forgets a job that is over, and takes it again', async () => {
    const farm = start();
    farm.addWorker('w1');
    const { jobId } = await farm.coordinator.submit(acceptedJob(), SUBMISSION);
    await expect(farm.coordinator.delete(jobId)).rejects.toMatchObject({
      code: 'failed-precondition',
      hint: expect.stringContaining('cancel') as string,
    });
    await farm.until(jobId, 'done');
    expect(await farm.coordinator.delete(jobId.slice(0, 8))).toBe(jobId);
    expect(await documentsOf(farm.store)).toEqual([]);
    expect(farm.coordinator.list()).toEqual([]);
    expect(() => farm.coordinator.get(jobId)).toThrow('no job');
    await farm.coordinator.submit(acceptedJob(), SUBMISSION);
    const again = await farm.until(jobId, 'done');
    // The results were kept: nothing ran.
    expect(await farm.coordinator.logOf(again.jobId).history.read()).toEqual([]);
  });

  it('ends the deletion that another was about when it died, wherever that was', async () => {
    for (let deletedDocuments = 0; deletedDocuments <= DELETED_DOCUMENTS; deletedDocuments += 1) {
      const store = createMemoryStore();
      const first = start({ store });
      first.addWorker('w1', failsOnce());
      const { jobId } = await first.coordinator.submit(acceptedJob(), SUBMISSION);
      await first.until(jobId, 'done');
      await first.coordinator.setPriority(jobId, 1);
      await first.close();
      const second = start({ store: dyingAfter(store, deletedDocuments) });
      await expect.poll(() => second.coordinator.list().length).toBe(1);
      const deletion = second.coordinator.delete(jobId);
      if (deletedDocuments < DELETED_DOCUMENTS) await expect(deletion).rejects.toThrow('it died');
      else await deletion;
      expect(() => second.coordinator.get(jobId)).toThrow('no job');
      await second.close();
      const third = start({ store });
      await expect.poll(() => documentsOf(store)).toEqual([]);
      expect(third.coordinator.list()).toEqual([]);
      await third.close();
    }
  });

  it('deletes jobs that are over for longer than they are to be kept, and no others', async () => {
    let nowMs = 1_000 * HOUR;
    const options = { nowMs: () => nowMs, keepJobsMs: 24 * HOUR };
    const farm = start(options);
    farm.addWorker('w1');
    const { jobId } = await farm.coordinator.submit(acceptedJob(), SUBMISSION);
    await farm.until(jobId, 'done');
    nowMs += 2 * HOUR;
    const young = await farm.coordinator.submit(acceptedJob({ seed: 2 }), SUBMISSION);
    await farm.until(young.jobId, 'done');
    await farm.close();
    nowMs += 23 * HOUR;
    const next = start({ ...options, store: farm.store });
    const open = await next.coordinator.submit(acceptedJob({ seed: 3 }), SUBMISSION);
    await expect
      .poll(() => next.coordinator.list().map((view) => view.jobId), { timeout: 5_000 })
      .toEqual([open.jobId, young.jobId]);
  });
});
