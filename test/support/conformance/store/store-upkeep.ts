// Part of the store's conformance suite: usage and garbage collection.

import { expect, it } from 'vitest';

import type {
  CollectGarbageOptions,
  CollectGarbageResult,
} from '../../../../common/store/ports.ts';
import type { ResultRecord } from '../../../../common/task.ts';
import { recordOf, taskIdOf } from '../results.ts';
import { commit, put } from './put-results.ts';
import type { StoreHarness } from './store-harness.ts';
import { describeVerify } from './store-verify.ts';
import { failureOf, flipBit, useStore } from './use-store.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

export function describeUpkeep(makeStore: () => Promise<StoreHarness>): void {
  const current = useStore(makeStore);
  describeUsage(current);
  describeGarbage(current);
  describeVerify(current);
}

/** As if everything that is stored now were used last ten days ago. */
function makeOld(harness: StoreHarness, records: readonly ResultRecord[]): void {
  const tenDaysAgoMs = Date.now() - 10 * DAY_MS;
  for (const record of records) {
    harness.setAge({ area: 'records', name: record.taskId }, tenDaysAgoMs);
    for (const { digest } of record.outputs['frames'] ?? []) {
      harness.setAge({ area: 'artifacts', name: digest }, tenDaysAgoMs);
    }
  }
}

function collect(
  { store }: StoreHarness,
  options: Partial<CollectGarbageOptions> = {},
): Promise<CollectGarbageResult> {
  return store.collectGarbage({
    keepRecords: () => false,
    keepArtifacts: () => false,
    minAgeMs: DAY_MS,
    nowMs: Date.now(),
    dryRun: false,
    ...options,
  });
}

function describeUsage(current: () => StoreHarness): void {
  it('counts what is stored, and by stage', async () => {
    const harness = current();
    const { store } = harness;
    const [one, two] = [await put(harness, '1', 100), await put(harness, '2', 200)];
    await put(harness, 'of no task', 400);
    await commit(harness, 'a', [one, two]);
    await commit(harness, 'b', [two]);
    await store.putRecord(recordOf('c', [two], { stage: 'encode' }));
    await store.putDocument({ kind: 'spec', id: 'job' }, Buffer.from('spec'));
    const usage = await store.usage();
    expect(usage.artifacts).toEqual({ count: 3, bytes: 700 });
    expect(usage.records.count).toBe(3);
    expect(usage.records.bytes).toBeGreaterThan(300);
    expect(usage.documents.count).toBe(1);
    expect(usage.quarantine).toEqual({ count: 0, bytes: 0 });
    expect(usage.byStage).toEqual({
      generate: { records: 2, bytes: 300 },
      encode: { records: 1, bytes: 200 },
    });
    expect(usage.steps).toEqual({ records: 0, bytes: 0 });
  });

  it('counts steps of windows in their stage and by themselves', async () => {
    const harness = current();
    const { store } = harness;
    const [one, two] = [await put(harness, '1', 100), await put(harness, '2', 200)];
    await commit(harness, 'a', [one]);
    await store.putRecord({ ...recordOf('b', [two]), step: 3 });
    const usage = await store.usage();
    expect(usage.byStage).toEqual({ generate: { records: 2, bytes: 300 } });
    expect(usage.steps).toEqual({ records: 1, bytes: 200 });
  });
}

function describeGarbage(current: () => StoreHarness): void {
  it('removes steps of windows after an hour, unless a job needs them', async () => {
    const harness = current();
    const { store } = harness;
    const twoHoursAgoMs = Date.now() - 2 * 3_600_000;
    const made: ResultRecord[] = [];
    for (const label of ['young step', 'old step', 'needed step', 'old result']) {
      const artifact = await put(harness, label);
      const step = label.endsWith('step') ? { step: 0 } : {};
      const record = { ...recordOf(label, [artifact]), ...step };
      made.push(record);
      await store.putRecord(record);
      if (label === 'young step') continue;
      harness.setAge({ area: 'records', name: record.taskId }, twoHoursAgoMs);
      harness.setAge({ area: 'artifacts', name: artifact.digest }, twoHoursAgoMs);
    }
    const [young, old, needed, result] = made as [
      ResultRecord,
      ResultRecord,
      ResultRecord,
      ResultRecord,
    ];
    const collected = await collect(harness, { keepRecords: (id) => id === needed.taskId });
    expect(collected).toMatchObject({ removedRecords: 1, removedArtifacts: 1 });
    expect(await store.getRecord(old.taskId)).toBeUndefined();
    for (const { taskId } of [young, needed, result])
      expect(await store.getRecord(taskId)).toBeDefined();
  });

  it('removes what no root reaches', async () => {
    const harness = current();
    const { store } = harness;
    const [kept, shared, lone, source] = [
      await put(harness, 'kept'),
      await put(harness, 'shared'),
      await put(harness, 'lone', 300),
      await put(harness, 'source'),
    ];
    const a = await commit(harness, 'a', [kept, shared]);
    const b = await commit(harness, 'b', [shared, lone]);
    makeOld(harness, [a, b, recordOf('a', [source])]);
    const result = await collect(harness, {
      keepRecords: (taskId) => taskId === a.taskId,
      keepArtifacts: (digest) => digest === source.digest,
    });
    expect(result).toMatchObject({ removedRecords: 1, removedArtifacts: 1, keptTooYoung: 0 });
    expect(result.freedBytes).toBeGreaterThan(300);
    expect(await store.getRecord(a.taskId, { checkArtifacts: true })).toEqual(a);
    expect(await store.getRecord(b.taskId)).toBeUndefined();
    expect(await store.hasArtifact(lone.digest)).toBe(false);
    expect(await store.hasArtifact(source.digest)).toBe(true);
  });

  it('keeps what is young, and the old artifacts of a young record', async () => {
    const harness = current();
    const frame = await put(harness, 'frame');
    const record = await commit(harness, 'a', [frame]);
    makeOld(harness, [record]);
    harness.setAge({ area: 'records', name: record.taskId }, Date.now());
    await put(harness, 'just put, record to come');
    expect(await collect(harness)).toEqual({
      removedArtifacts: 0,
      removedRecords: 0,
      freedBytes: 0,
      keptTooYoung: 3,
    });
    expect(await harness.store.getRecord(record.taskId, { checkArtifacts: true })).toEqual(record);
  });

  it('keeps what was reused lately: put again, committed again, or found by a survey', async () => {
    const harness = current();
    const { store } = harness;
    const frames = [await put(harness, '1'), await put(harness, '2'), await put(harness, '3')];
    const records = [];
    for (const [i, frame] of frames.entries()) {
      records.push(await commit(harness, `task ${i}`, [frame]));
    }
    const [putAgain, committedAgain, surveyed] = records;
    makeOld(harness, records);
    await put(harness, '1');
    await store.putRecord(committedAgain!);
    await store.getRecord(surveyed!.taskId, { checkArtifacts: true });
    const result = await collect(harness);
    expect(result).toMatchObject({ removedRecords: 1, removedArtifacts: 0, keptTooYoung: 5 });
    expect(await store.getRecord(putAgain!.taskId)).toBeUndefined();
    expect(await store.getRecord(surveyed!.taskId, { checkArtifacts: true })).toEqual(surveyed);
  });

  it('removes nothing in a dry run, and says what it would remove', async () => {
    const harness = current();
    const record = await commit(harness, 'a', [await put(harness, 'frame')]);
    makeOld(harness, [record]);
    const foreseen = await collect(harness, { dryRun: true });
    expect(await harness.store.getRecord(record.taskId, { checkArtifacts: true })).toEqual(record);
    makeOld(harness, [record]);
    expect(await collect(harness)).toEqual(foreseen);
    expect(foreseen).toMatchObject({ removedArtifacts: 1, removedRecords: 1 });
    expect((await harness.store.usage()).artifacts.count).toBe(0);
  });

  it('never touches documents, and clears an old quarantine', async () => {
    const harness = current();
    const { store } = harness;
    await store.putDocument({ kind: 'spec', id: 'job' }, Buffer.from('spec'));
    const frame = await put(harness, 'frame');
    await harness.rewrite({ area: 'artifacts', name: frame.digest }, flipBit(0));
    await failureOf(store.getArtifact(frame.digest), 'data-loss');
    expect((await collect(harness)).freedBytes).toBe(0);
    const result = await collect(harness, { nowMs: Date.now() + 2 * DAY_MS });
    expect(result.freedBytes).toBe(1000);
    const usage = await store.usage();
    expect(usage.quarantine.count).toBe(0);
    expect(usage.documents.count).toBe(1);
  });

  it('keeps what is reused between its look and the removal', async () => {
    const harness = current();
    const record = await commit(harness, 'a', [await put(harness, 'frame')]);
    const [frame] = record.outputs['frames'] ?? [];
    makeOld(harness, [record]);
    // The questions are asked after the look: the answers come late.
    const result = await collect(harness, {
      keepArtifacts: (name) => {
        harness.setAge({ area: 'artifacts', name }, Date.now());
        return false;
      },
      keepRecords: (name) => {
        harness.setAge({ area: 'records', name }, Date.now());
        return false;
      },
    });
    expect(result).toMatchObject({ removedArtifacts: 0, removedRecords: 0, keptTooYoung: 2 });
    expect(await harness.store.getRecord(record.taskId)).toEqual(record);
    expect(await harness.store.hasArtifact(frame!.digest)).toBe(true);
  });

  it('keeps an artifact of no record that is put again between its look and the removal', async () => {
    const harness = current();
    const { digest } = await put(harness, 'frame');
    harness.setAge({ area: 'artifacts', name: digest }, Date.now() - 10 * DAY_MS);
    const result = await collect(harness, {
      keepArtifacts: (name) => {
        harness.setAge({ area: 'artifacts', name }, Date.now());
        return false;
      },
    });
    expect(result).toMatchObject({ removedArtifacts: 0, freedBytes: 0, keptTooYoung: 1 });
    expect(await harness.store.hasArtifact(digest)).toBe(true);
  });

  it('loses nothing that is committed while it runs', async () => {
    const harness = current();
    const { store } = harness;
    const labels = Array.from({ length: 200 }, (_, i) => `task ${i}`);
    for (const label of labels)
      makeOld(harness, [await commit(harness, label, [await put(harness, label)])]);
    // Everything is old and no root; half of it is rendered again at the same time.
    const again = labels.filter((_, i) => i % 2 === 0);
    const [collected] = await Promise.all([
      collect(harness, { minAgeMs: DAY_MS }),
      Promise.all(again.map(async (label) => commit(harness, label, [await put(harness, label)]))),
    ]);
    expect(collected.removedArtifacts).toBeGreaterThanOrEqual(labels.length - again.length);
    for (const label of again) {
      expect(await store.getRecord(taskIdOf(label), { checkArtifacts: true })).toBeDefined();
    }
  });
}
