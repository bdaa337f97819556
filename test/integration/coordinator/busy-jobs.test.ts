// Goal: what takes long with one job keeps no other from being asked about, changed and run; and changes of one job do not cross. Method:
// the real coordinator, memory bus and store, scripted workers; the store or the bus answers about one job only when the test lets it.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../common/errors.ts';
import { createMemoryStore } from '../../../common/store/memory/index.ts';
import type { Store } from '../../../common/store/ports.ts';
import type { TaskId } from '../../../common/task.ts';
import { jobIdOf } from '../../../coordinator/domain/accept.ts';
import { createPlan, tasksOfNode } from '../../../coordinator/domain/plan.ts';
import { CoordinatorHarness } from '../../support/farm/coordinator-harness.ts';
import { acceptedJob } from '../../support/jobs.ts';

const BUSY = acceptedJob({ seed: 1 });
const BUSY_ID = jobIdOf(BUSY);
const OTHER = acceptedJob({ seed: 2, source: { ...acceptedJob().source, start: 3 } });
const SUBMISSION = { name: 'a job', priority: 50 };

/** The store, with some of its calls in other hands. */
function withCalls(store: Store, calls: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, key) => {
      const own: unknown = Reflect.get(calls, key);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function tasksOf(job: typeof BUSY): ReadonlySet<TaskId> {
  const plan = createPlan(job);
  return new Set(plan.nodes.flatMap(tasksOfNode).map((ref) => plan.id(ref)));
}

describe('a job that takes long', () => {
  let farm: CoordinatorHarness | undefined;
  let release = Promise.withResolvers<undefined>();
  beforeEach(() => {
    release = Promise.withResolvers();
  });
  afterEach(async () => {
    release.resolve(undefined);
    await farm?.close();
    farm = undefined;
  });

  it('to look up keeps no other from being submitted, changed, run to its end and deleted', async () => {
    const store = createMemoryStore();
    const busy = tasksOf(BUSY);
    const getRecord: Store['getRecord'] = async (taskId, options) => {
      if (busy.has(taskId)) await release.promise;
      return store.getRecord(taskId, options);
    };
    farm = new CoordinatorHarness({ store: withCalls(store, { getRecord }) });
    await farm.coordinator.submit(BUSY, SUBMISSION);
    const { jobId } = await farm.coordinator.submit(OTHER, SUBMISSION);
    expect((await farm.coordinator.setPriority(jobId, 51)).facts.priority).toBe(51);
    await farm.coordinator.pause(jobId);
    await farm.coordinator.resume(jobId);
    farm.addWorker('w');
    await farm.until(jobId, 'done');
    await farm.coordinator.delete(jobId);
    expect(farm.coordinator.get(BUSY_ID).active?.tally.fraction).toBe(0);
    release.resolve(undefined);
    await farm.until(BUSY_ID, 'done');
  });

  it('to cancel keeps no other waiting; its own next change comes after', async () => {
    farm = new CoordinatorHarness();
    const { bus, coordinator } = farm;
    const cancel = bus.cancel.bind(bus);
    bus.cancel = async (message) => {
      if (message.jobId === BUSY_ID) await release.promise;
      await cancel(message);
    };
    await coordinator.submit(BUSY, SUBMISSION);
    await farm.until(BUSY_ID, 'running');
    const ends: string[] = [];
    const cancelled = coordinator.cancel(BUSY_ID).then(() => ends.push('cancelled'));
    const resumed = coordinator.resume(BUSY_ID).then(() => ends.push('resumed'));
    const { jobId } = await coordinator.submit(OTHER, SUBMISSION);
    farm.addWorker('w');
    await farm.until(jobId, 'done');
    expect(ends).toEqual([]);
    release.resolve(undefined);
    await Promise.all([cancelled, resumed]);
    expect(ends).toEqual(['cancelled', 'resumed']);
    await farm.until(BUSY_ID, 'done');
  });

  it('to conclude does not hold up what workers report of others', async () => {
    farm = new CoordinatorHarness({
      conclude: async ({ jobId }) => {
        if (jobId === BUSY_ID) await release.promise;
      },
    });
    await farm.coordinator.submit(BUSY, { ...SUBMISSION, priority: 90 });
    const { jobId } = await farm.coordinator.submit(OTHER, SUBMISSION);
    farm.addWorker('w');
    await farm.until(jobId, 'done');
    expect(farm.coordinator.get(BUSY_ID).state).toBe('running');
    release.resolve(undefined);
    await farm.until(BUSY_ID, 'done');
  });

  it('that cannot be begun while the store is away is begun when it is back', async () => {
    const store = createMemoryStore();
    let failuresLeft = 0;
    const getDocument: Store['getDocument'] = async (name) => {
      if (name.kind !== 'spec' || failuresLeft === 0) return store.getDocument(name);
      failuresLeft -= 1;
      throw new BivdiffError('unavailable', 'the store is away');
    };
    farm = new CoordinatorHarness({ store: withCalls(store, { getDocument }) });
    await farm.coordinator.known;
    failuresLeft = 1;
    const { jobId } = await farm.coordinator.submit(OTHER, SUBMISSION);
    farm.addWorker('w');
    await farm.until(jobId, 'done');
    expect(failuresLeft).toBe(0);
  });

  it('is submitted once, however many submit it at once', async () => {
    farm = new CoordinatorHarness();
    const { coordinator, store } = farm;
    await coordinator.known;
    const owners = ['ann', 'ben', 'cid', 'ann'];
    await Promise.all(owners.map((owner) => coordinator.submit(BUSY, { ...SUBMISSION, owner })));
    expect(coordinator.get(BUSY_ID).facts.owners).toEqual(['ann', 'ben', 'cid']);
    expect(await store.listDocuments('job-event')).toHaveLength(3);
    farm.addWorker('w');
    await farm.until(BUSY_ID, 'done');
  });
});
