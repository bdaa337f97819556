// Part of the store's conformance suite: result records.

import { expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import type { ArtifactRef, ResultRecord } from '../../../../common/task.ts';
import { artifactOf, recordOf, taskIdOf } from '../results.ts';
import { bytesOf } from '../seed.ts';
import type { StoreHarness } from './store-harness.ts';
import { cutTo, flipBit, remove, useStore } from './use-store.ts';

export function describeRecords(makeStore: () => Promise<StoreHarness>): void {
  const current = useStore(makeStore);
  describeCommit(current);
  describeDamage(current);
  describeArtifactsOfRecords(current);
}

async function putFrame({ store }: StoreHarness, label: string): Promise<ArtifactRef> {
  const bytes = bytesOf(label, 1000);
  return artifactOf(await store.putArtifact(bytes), bytes.length);
}

function describeCommit(current: () => StoreHarness): void {
  it('keeps the first result of a task', async () => {
    const { store } = current();
    const frame = await putFrame(current(), 'frame');
    const first = recordOf('a', [frame], { worker: 'first' });
    expect(await store.getRecord(first.taskId)).toBeUndefined();
    expect(await store.putRecord(first)).toEqual({ kind: 'created' });
    const second = await store.putRecord(recordOf('a', [frame], { worker: 'second' }));
    expect(second).toEqual({ kind: 'exists', record: first });
    expect(await store.getRecord(first.taskId)).toEqual(first);
  });

  it('gives back every kind of value', async () => {
    const { store } = current();
    const tensor: ArtifactRef = {
      ...(await putFrame(current(), 'tensor')),
      type: 'tensor/float32',
      shape: [4, 4, 16, 16],
    };
    const record = recordOf('ü "quoted" \n', [tensor], {
      outputs: { latents: [tensor], none: [] },
      worker: 'host/Ünïcode \u2028 🎞',
      seconds: 1e-9,
      doneSteps: 7,
    });
    await store.putRecord(record);
    expect(await store.getRecord(record.taskId)).toEqual(record);
  });

  it('creates one of what eight writers commit at once', async () => {
    const { store, openAgain } = current();
    const frame = await putFrame(current(), 'frame');
    const writers = await Promise.all(Array.from({ length: 8 }, openAgain));
    const results = await Promise.all(
      writers.map((writer, i) => writer.putRecord(recordOf('a', [frame], { worker: `w${i}` }))),
    );
    const stays = await store.getRecord(taskIdOf('a'));
    expect(results.filter(({ kind }) => kind === 'created')).toHaveLength(1);
    for (const result of results) {
      if (result.kind === 'exists') expect(result.record).toEqual(stays);
    }
    await Promise.all(writers.map((writer) => writer.close()));
  });

  it('drops a record, and does not mind if there is none', async () => {
    const { store } = current();
    const record = recordOf('a', [await putFrame(current(), 'frame')]);
    await store.putRecord(record);
    await store.dropRecord(record.taskId);
    await store.dropRecord(record.taskId);
    expect(await store.getRecord(record.taskId)).toBeUndefined();
    expect(await store.putRecord(record)).toEqual({ kind: 'created' });
  });
}

function describeDamage(current: () => StoreHarness): void {
  it('counts a record with any flipped bit as absent', async () => {
    const { store, rewrite } = current();
    const record = recordOf('a', []);
    const what = { area: 'records', name: record.taskId } as const;
    await store.putRecord(record);
    let length = 0;
    await rewrite(what, (bytes) => {
      length = bytes.length;
      return bytes;
    });
    expect(length).toBeGreaterThan(100);
    for (let index = 0; index < length; index += 3) {
      await rewrite(what, flipBit(index));
      expect(await store.getRecord(record.taskId), `byte ${index}`).toBeUndefined();
      expect(await store.putRecord(record), `byte ${index}`).toEqual({ kind: 'created' });
    }
    expect((await store.usage()).quarantine.count).toBe(Math.ceil(length / 3));
  });

  it.each([
    ['empty', cutTo(0)],
    ['cut', cutTo(120)],
    ['without its last byte', (bytes: Uint8Array) => bytes.slice(0, -1)],
    ['made of zeros', (bytes: Uint8Array) => bytes.map(() => 0)],
  ])('commits over a record that is %s', async (_, damage) => {
    const { store, rewrite } = current();
    const record = recordOf('a', []);
    await store.putRecord(record);
    await rewrite({ area: 'records', name: record.taskId }, damage);
    expect(await store.putRecord({ ...record, worker: 'next' })).toEqual({ kind: 'created' });
    expect(await store.getRecord(record.taskId)).toEqual({ ...record, worker: 'next' });
    expect((await store.usage()).quarantine.count).toBe(1);
  });

  it("does not take another task's record for this one's", async () => {
    const { store, rewrite } = current();
    await store.putRecord(recordOf('a', []));
    await store.putRecord(recordOf('b', []));
    let other: Uint8Array | undefined;
    await rewrite({ area: 'records', name: taskIdOf('a') }, (bytes) => (other = bytes));
    await rewrite({ area: 'records', name: taskIdOf('b') }, () => other);
    expect(await store.getRecord(taskIdOf('b'))).toBeUndefined();
    expect(await store.getRecord(taskIdOf('a'))).toEqual(recordOf('a', []));
  });
}

function describeArtifactsOfRecords(current: () => StoreHarness): void {
  it.each([
    ['gone', remove],
    ['torn', cutTo(999)],
  ])('counts a record as absent, if asked, when an artifact is %s', async (_, damage) => {
    const { store, rewrite } = current();
    const frames = [await putFrame(current(), 'frame 1'), await putFrame(current(), 'frame 2')];
    const record = recordOf('a', frames);
    await store.putRecord(record);
    expect(await store.getRecord(record.taskId, { checkArtifacts: true })).toEqual(record);
    await rewrite({ area: 'artifacts', name: frames[1]?.digest ?? '' }, damage);
    expect(await store.getRecord(record.taskId)).toEqual(record);
    expect(await store.getRecord(record.taskId, { checkArtifacts: true })).toBeUndefined();
  });

  it('does not let a record stay whose artifact is gone, though the new one differs', async () => {
    const { store, rewrite } = current();
    const first = recordOf('a', [await putFrame(current(), 'frame')]);
    await store.putRecord(first);
    await rewrite({ area: 'artifacts', name: digestOf(first) }, remove);
    const next = recordOf('a', [await putFrame(current(), 'other frame')]);
    expect(await store.putRecord(next)).toEqual({ kind: 'created' });
    expect(await store.getRecord(next.taskId, { checkArtifacts: true })).toEqual(next);
  });

  it('is whole again once the artifact is put again', async () => {
    const { store, rewrite } = current();
    const record = recordOf('a', [await putFrame(current(), 'frame')]);
    await store.putRecord(record);
    await rewrite({ area: 'artifacts', name: digestOf(record) }, remove);
    await putFrame(current(), 'frame');
    expect(await store.getRecord(record.taskId, { checkArtifacts: true })).toEqual(record);
    expect(await store.putRecord(record)).toEqual({ kind: 'exists', record });
  });
}

function digestOf(record: ResultRecord): string {
  return record.outputs['frames']?.[0]?.digest ?? digestText('none');
}
