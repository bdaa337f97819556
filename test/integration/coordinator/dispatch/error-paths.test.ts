// Goal: whatever goes wrong with one job, the others go on, and its own error is the one that says why. Method: the real coordinator, memory
// bus and memory store, scripted workers; calls of the store or bus fail when told to.

import { afterEach, expect, it, vi } from 'vitest';

import { canonicalJson } from '../../../../common/canonical-json.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import type { Store } from '../../../../common/store/ports.ts';
import { jobIdOf } from '../../../../coordinator/domain/accept.ts';
import type { AcceptedJob } from '../../../../recipes/job.ts';
import { CoordinatorHarness } from '../../../support/farm/coordinator-harness.ts';
import type { HarnessOptions } from '../../../support/farm/coordinator-harness.ts';
import { acceptedJob } from '../../../support/jobs.ts';

const SUBMISSION = { name: 'a job', priority: 50 };

const farms: CoordinatorHarness[] = [];
const start = (options: HarnessOptions = {}): CoordinatorHarness => {
  const farm = new CoordinatorHarness(options);
  farms.push(farm);
  return farm;
};
afterEach(async () => {
  await Promise.all(farms.splice(0).map((farm) => farm.close()));
});

/** A store or bus, one of whose methods fails while `isBroken` says so. */
function failing<T extends object>(whole: T, method: keyof T, failure: () => Error | undefined): T {
  return new Proxy(whole, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return (...words: unknown[]): unknown => {
        const error = key === method ? failure() : undefined;
        if (error !== undefined) return Promise.reject(error);
        return (value as (...given: unknown[]) => unknown).apply(target, words);
      };
    },
  });
}

/** Puts a job into a store as if a coordinator had accepted it. */
async function putJob(store: Store, job: AcceptedJob, log: readonly object[]): Promise<string> {
  const id = jobIdOf(job);
  await store.putDocument({ kind: 'spec', id }, Buffer.from(canonicalJson(job as never)));
  for (const [index, entry] of log.entries()) {
    const name = `${id}/${String(index).padStart(6, '0')}`;
    await store.putDocument(
      { kind: 'job-event', id: name },
      Buffer.from(JSON.stringify({ atMs: 1, ...entry })),
    );
  }
  return id;
}

it('lets go of the tasks of a job that fails since the store failed while an input was healed', async () => {
  const broken = new BivdiffError('internal', 'the disk has a fault');
  const store = failing(createMemoryStore(), 'dropRecord', () => broken);
  const farm = start({ store });
  const busy = Promise.withResolvers<undefined>();
  let isFirst = true;
  farm.addWorker('w1', async ({ stage, inputs }) => {
    if (stage !== 'annotate') return;
    if (!isFirst) await busy.promise;
    const lostTasks = [Object.values(inputs).flat()[0]!.task];
    throw new BivdiffError('data-loss', 'an input is gone', { details: { lostTasks } });
  });
  const wide = acceptedJob({ frames: 64, frameBatch: 1, window: 8 });
  const { jobId } = await farm.coordinator.submit(wide, SUBMISSION);
  const view = await farm.until(jobId, 'failed');
  expect(view.facts.failure?.message).toContain('the disk has a fault');
  // The next one finds all room there: one task runs, one waits.
  isFirst = false;
  const other = { ...wide, control: { ...wide.control, low: 1 } };
  const next = await farm.coordinator.submit(other, SUBMISSION);
  await vi.waitFor(() => {
    expect(farm.coordinator.get(next.jobId).active?.run.outCount).toBe(2);
  });
  busy.resolve(undefined);
});

it('says why a job failed also where the bus is away just then', async () => {
  let isAway = false;
  const farm = start({
    wrapBus: (bus) =>
      failing(bus, 'cancel', () =>
        isAway ? new BivdiffError('unavailable', 'the bus is away') : undefined,
      ),
  });
  farm.addWorker('w1', () => {
    isAway = true;
    throw new BivdiffError('invalid-argument', 'the graph has no such input', { retry: 'never' });
  });
  const { jobId } = await farm.coordinator.submit(acceptedJob(), SUBMISSION);
  const view = await farm.until(jobId, 'failed');
  expect(view.facts.failure?.message).toContain('the graph has no such input');
});

it.each([
  ['of another planner', { plannerRevision: 999 }, /planner revision 999.*this version has/s],
  ['of a task of a later version', { task: 'holography' }, /knows no task "holography"/],
  ['that the planner cannot plan', { outputs: null }, /planning the job/],
] as const)('fails a job %s, and starts, and takes others', async (_, changes, message) => {
  const store = createMemoryStore();
  const job = { ...acceptedJob(), ...changes } as unknown as AcceptedJob;
  const id = await putJob(store, job, [{ kind: 'submitted', name: 'old', priority: 50 }]);
  const farm = start({ store });
  farm.addWorker('w1');
  await farm.coordinator.known;
  const view = await farm.until(id, 'failed');
  expect(view.facts.failure?.message).toMatch(message);
  const { jobId } = await farm.coordinator.submit(acceptedJob(), SUBMISSION);
  await farm.until(jobId, 'done');
});

it('counts a failure that is reported twice once', async () => {
  const farm = start();
  let tries = 0;
  farm.addWorker('w1', async ({ id: taskId, stage }, attempt) => {
    if (stage !== 'ingest' || ++tries > 2) return;
    const failure = new BivdiffError('internal', 'the lane broke');
    await farm.bus.report({
      ...{ kind: 'failed', taskId, worker: 'w1', attempt },
      failure: failure.toJSON(),
    });
    throw failure;
  });
  const { jobId } = await farm.coordinator.submit(acceptedJob({ frames: 4 }), SUBMISSION);
  await farm.until(jobId, 'done');
  const events = await farm.coordinator.logOf(jobId).history.read();
  const failed = events.filter(({ kind }) => kind === 'retried');
  expect(failed).toHaveLength(2);
});

it('keeps a job in whose log a later version has written something else', async () => {
  const store = createMemoryStore();
  const id = await putJob(store, acceptedJob(), [
    { kind: 'submitted', name: 'old', priority: 50 },
    { kind: 'annotated-by-a-later-version', what: 1 },
  ]);
  const farm = start({ store });
  farm.addWorker('w1');
  await farm.coordinator.known;
  await farm.until(id, 'done');
});

it('is not led to give up by evictions between which the task got on', async () => {
  const farm = start();
  const { lostWorkersMax } = { lostWorkersMax: 5 };
  let lost = 0;
  farm.addWorker('w1', async ({ id: taskId, stage }, attempt) => {
    if (stage !== 'generate' || lost > 0) return;
    for (; lost < 2 * lostWorkersMax; lost += 1) {
      await farm.bus.report({
        ...{ kind: 'started', taskId, attempt, slot: 0, stage, worker: `evicted ${lost}` },
        doneSteps: 5 * (lost + 1),
      });
    }
  });
  const { jobId } = await farm.coordinator.submit(acceptedJob(), SUBMISSION);
  await farm.until(jobId, 'done');
  expect(lost).toBe(2 * lostWorkersMax);
});
