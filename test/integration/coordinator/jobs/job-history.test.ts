// Goal: a job's history is bounded, loses nothing while the store is away, and is due when something happened that a person looks for.
// Method: memory store, time by hand.

import { beforeEach, describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import type { Store } from '../../../../common/store/ports.ts';
import type { JobId, TaskId } from '../../../../common/task.ts';
import { HISTORY_EVENTS_MAX, JobHistory } from '../../../../coordinator/jobs/job-history.ts';
import type { TaskEventFacts, TaskEventKind } from '../../../../coordinator/jobs/job-history.ts';

const JOB = 'a'.repeat(64) as JobId;

describe('JobHistory', () => {
  let nowMs = 0;
  let store: Store;
  beforeEach(() => {
    nowMs = 1_000_000;
    store = createMemoryStore();
  });

  const open = (): JobHistory => new JobHistory({ store, jobId: JOB, nowMs: () => nowMs });
  const factsOf = (kind: TaskEventKind, attempt = 1): TaskEventFacts => ({
    ...{ kind, taskId: 't' as TaskId, stage: 'smooth', worker: 'w', attempt },
  });
  const attempts = async (history: JobHistory): Promise<readonly (number | undefined)[]> =>
    (await history.read()).map(({ attempt }) => attempt);
  const segments = async (): Promise<number> => (await store.listDocuments('job-history')).length;

  it('is due soon after a failure, later after beginnings, at once when there are many', () => {
    const history = open();
    expect(history.isDue).toBe(false);
    history.add(factsOf('begun'));
    nowMs += 10_000;
    expect(history.isDue).toBe(false);
    history.add(factsOf('failed'));
    expect(history.isDue).toBe(true);
    const other = open();
    other.add(factsOf('begun'));
    nowMs += 60_000;
    expect(other.isDue).toBe(true);
    const third = open();
    for (let count = 0; count < 200; count += 1) third.add(factsOf('begun'));
    expect(third.isDue).toBe(true);
  });

  it('gives what is written and what is not, in time, whoever wrote it', async () => {
    const first = open();
    first.add(factsOf('begun', 1));
    await first.flush();
    const second = open();
    // In the same millisecond and with the same count: neither replaces the other.
    second.add(factsOf('begun', 1));
    await second.flush();
    expect(await segments()).toBe(2);
    nowMs += 1;
    second.add(factsOf('failed', 2));
    expect(await attempts(second)).toEqual([1, 2]);
    await second.flush();
    expect(await attempts(open())).toEqual([1, 2]);
    await open().remove();
    expect(await segments()).toBe(0);
  });

  it('keeps the last events, and no more documents than they need', async () => {
    const history = open();
    const total = 3 * HISTORY_EVENTS_MAX;
    for (let attempt = 1; attempt <= total; attempt += 1) {
      nowMs += 1;
      history.add(factsOf('begun', attempt));
      if (history.isDue) await history.flush();
    }
    await history.flush();
    const kept = await attempts(history);
    expect(kept).toHaveLength(HISTORY_EVENTS_MAX);
    expect(kept[0]).toBe(total - HISTORY_EVENTS_MAX + 1);
    expect(kept.at(-1)).toBe(total);
    expect(await segments()).toBeLessThanOrEqual(HISTORY_EVENTS_MAX / 200 + 1);
  });

  it('keeps what the store does not take until it does, and shortens what is too long', async () => {
    let isAway = true;
    const there = store;
    const { getDocument, listDocuments } = there;
    store = {
      ...({} as Store),
      getDocument: (name) => getDocument.call(there, name),
      listDocuments: (kind, prefix) => listDocuments.call(there, kind, prefix),
      putDocument: async (name, bytes) => {
        if (isAway) throw new BivdiffError('unavailable', 'the store is away');
        return there.putDocument(name, bytes);
      },
    };
    const history = open();
    const failure = { code: 'internal', message: 'x'.repeat(100_000) } as const;
    history.add({ ...factsOf('failed'), failure });
    await expect(history.flush()).rejects.toThrow('the store is away');
    expect(await attempts(history)).toEqual([1]);
    isAway = false;
    await history.flush();
    const [event] = await open().read();
    expect(event?.failure?.message.length).toBeLessThan(3_000);
  });
});
