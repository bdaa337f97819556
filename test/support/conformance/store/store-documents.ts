// Part of the store's conformance suite: named documents, and names that must not get in.

import { expect, it } from 'vitest';

import type { Store } from '../../../../common/store/ports.ts';
import type { Digest, TaskId } from '../../../../common/task.ts';
import { artifactOf, recordOf, taskIdOf } from '../results.ts';
import { bytesOf } from '../seed.ts';
import type { StoreHarness } from './store-harness.ts';
import { cutTo, failureOf, flipBit, useStore } from './use-store.ts';

export function describeDocuments(makeStore: () => Promise<StoreHarness>): void {
  const current = useStore(makeStore);
  describeNaming(current);
  describePutting(current);
}

function describePutting(current: () => StoreHarness): void {
  it('keeps the first of a name', async () => {
    const { store, openAgain } = current();
    const name = { kind: 'spec', id: 'job-1' } as const;
    expect(await store.getDocument(name)).toBeUndefined();
    expect(await store.putDocument(name, Buffer.from('first'))).toBe('created');
    expect(await store.putDocument(name, Buffer.from('second'))).toBe('exists');
    const other = await openAgain();
    expect(Buffer.from((await other.getDocument(name)) ?? []).toString()).toBe('first');
    await other.close();
  });

  it.each([0, 1, 300_000])('gives back %i bytes as they were', async (length) => {
    const { store } = current();
    const name = { kind: 'manifest', id: 'job-1' } as const;
    await store.putDocument(name, bytesOf('document', length));
    const bytes = await store.getDocument(name);
    expect(Buffer.compare(bytes ?? Buffer.from('absent'), bytesOf('document', length))).toBe(0);
  });

  it('creates one of what eight writers put at once', async () => {
    const { openAgain } = current();
    const name = { kind: 'job-event', id: 'job/0001' } as const;
    const writers = await Promise.all(Array.from({ length: 8 }, openAgain));
    const results = await Promise.all(
      writers.map((writer, i) => writer.putDocument(name, Buffer.from(`writer ${i}`))),
    );
    expect(results.filter((result) => result === 'created')).toHaveLength(1);
    await Promise.all(writers.map((writer) => writer.close()));
  });

  it('lists one kind, sorted by id, from a beginning on', async () => {
    const { store } = current();
    const ids = ['b/10', 'a', 'b/2', 'b', 'a-1/x/y', 'a.b', 'b/1'];
    for (const id of ids) await store.putDocument({ kind: 'upload', id }, Buffer.from(id));
    await store.putDocument({ kind: 'spec', id: 'b/3' }, Buffer.from(''));
    const list = async (prefix?: string): Promise<string[]> =>
      (await store.listDocuments('upload', prefix)).map(({ id }) => id);
    expect(await list()).toEqual(ids.toSorted());
    expect(await list('b/')).toEqual(['b/1', 'b/10', 'b/2']);
    expect(await list('b/1')).toEqual(['b/1', 'b/10']);
    expect(await list('a')).toEqual(['a', 'a-1/x/y', 'a.b']);
    expect(await list('c/d')).toEqual([]);
    expect(await store.listDocuments('manifest')).toEqual([]);
  });

  it('deletes, and does not mind if there is none', async () => {
    const { store } = current();
    const name = { kind: 'spec', id: 'a/b' } as const;
    await store.deleteDocument(name);
    await store.putDocument(name, Buffer.from('1'));
    await store.deleteDocument(name);
    expect(await store.getDocument(name)).toBeUndefined();
    expect(await store.listDocuments('spec')).toEqual([]);
    expect(await store.putDocument(name, Buffer.from('2'))).toBe('created');
  });

  it.each([
    ['a flipped bit', flipBit(-3)],
    ['a flipped bit in its head', flipBit(20)],
    ['a cut end', cutTo(90)],
    ['nothing left', cutTo(0)],
  ])('counts a document with %s as absent and takes it again', async (_, damage) => {
    const { store, rewrite } = current();
    const name = { kind: 'spec', id: 'job/1' } as const;
    await store.putDocument(name, bytesOf('document', 100));
    await rewrite({ area: 'documents', name: 'spec/job/1' }, damage);
    expect(await store.putDocument(name, bytesOf('document', 100))).toBe('created');
    await rewrite({ area: 'documents', name: 'spec/job/1' }, damage);
    expect(await store.getDocument(name)).toBeUndefined();
    expect((await store.usage()).quarantine.count).toBe(2);
  });
}

const ESCAPES = [
  '',
  '.',
  '..',
  '../x',
  'a/../../x',
  '/etc/passwd',
  'a//b',
  'a/',
  'a\0b',
  'a\\..\\b',
  '.hidden',
  'Upper',
  'ü',
  'a b',
  'x'.repeat(5000),
  'a/'.repeat(50) + 'a',
  '\n',
];

function describeNaming(current: () => StoreHarness): void {
  it.each(ESCAPES.map((id) => [JSON.stringify(id.slice(0, 40)), id]))(
    'refuses %s as a name',
    async (_, id) => {
      const { store } = current();
      for (const call of callsWith(store, id)) await failureOf(call(), 'invalid-argument');
      expect((await store.usage()).documents.count).toBe(0);
    },
  );

  it('refuses a kind or a beginning that leads elsewhere', async () => {
    const { store } = current();
    const kind = '../artifacts' as 'spec';
    await failureOf(store.putDocument({ kind, id: 'a' }, Buffer.from('')), 'invalid-argument');
    await failureOf(store.listDocuments(kind), 'invalid-argument');
    await failureOf(store.listDocuments('spec', '../'), 'invalid-argument');
    await failureOf(store.listDocuments('spec', '/'), 'invalid-argument');
  });

  it('refuses a record that names an artifact so', async () => {
    const { store } = current();
    const record = recordOf('a', [artifactOf('../../x' as Digest, 1)]);
    await failureOf(store.putRecord(record), 'invalid-argument');
    expect(await store.getRecord(taskIdOf('a'))).toBeUndefined();
  });

  it('refuses everything once it is closed', async () => {
    const { store } = current();
    await store.close();
    await failureOf(store.putArtifact(Buffer.from('late')), 'failed-precondition');
    await failureOf(store.getRecord(taskIdOf('a')), 'failed-precondition');
    await store.close();
  });
}

function callsWith(store: Store, id: string): (() => Promise<unknown>)[] {
  const digest = id as Digest;
  const taskId = id as TaskId;
  const name = { kind: 'spec', id } as const;
  return [
    () => store.getArtifact(digest),
    () => store.getArtifactFile(digest, '/nowhere/at/all'),
    () => store.hasArtifact(digest),
    () => store.putRecord({ ...recordOf('a', []), taskId }),
    () => store.getRecord(taskId),
    () => store.dropRecord(taskId),
    () => store.putDocument(name, Buffer.from('')),
    () => store.getDocument(name),
    () => store.deleteDocument(name),
  ];
}
