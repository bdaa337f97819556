// Goal: whoever holds a source has it, whole, for as long as it is held, however many others are asked for meanwhile. Method: a real store in
// a folder; many sources at once, more than are kept.

import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import type { StoredSource } from '../../../common/sources/source.ts';
import { openFileStore } from '../../../common/store/file/index.ts';
import type { Store } from '../../../common/store/ports.ts';
import { SourceCache } from '../../../workers/stages/source-cache.ts';

const COUNT = 14;
const KEPT = 8;

let folder = '';
let store: Store;
const sources: StoredSource[] = [];
const textOf = (i: number): string => `video number ${i}`;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-sources-'));
  store = await openFileStore(join(folder, 'store'));
  for (let i = 0; i < COUNT; i += 1) {
    sources.push({ kind: 'video', digest: await store.putArtifact(Buffer.from(textOf(i))) });
  }
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

test('the first sources of a process, asked for at once, are each their own', async () => {
  const cache = new SourceCache(store);
  const held = await Promise.all(sources.map((source) => cache.hold(source)));
  expect(new Set(held.map(({ path }) => path)).size).toBe(COUNT);
  const texts = await Promise.all(held.map(({ path }) => readFile(path, 'utf8')));
  expect(texts).toEqual(sources.map((_, i) => textOf(i)));
  for (const one of held) await one[Symbol.asyncDispose]();
  const left = await Promise.all(held.map(({ path }) => isThere(path)));
  expect(left.filter(Boolean)).toHaveLength(KEPT);
  await cache.close();
  expect(await isThere(dirname(dirname(held[0]!.path)))).toBe(false);
});

test('a source is fetched once for all that hold it, and stays until the last lets go', async () => {
  const cache = new SourceCache(store);
  const [one, other] = await Promise.all([cache.hold(sources[0]!), cache.hold(sources[0]!)]);
  expect(other.path).toBe(one.path);
  await one[Symbol.asyncDispose]();
  // More than are kept come and go.
  for (const source of sources.slice(1)) await (await cache.hold(source))[Symbol.asyncDispose]();
  expect(await readFile(other.path, 'utf8')).toBe(textOf(0));
  await other[Symbol.asyncDispose]();
  for (const source of sources.slice(1)) await (await cache.hold(source))[Symbol.asyncDispose]();
  expect(await isThere(other.path)).toBe(false);
  await using again = await cache.hold(sources[0]!);
  expect(await readFile(again.path, 'utf8')).toBe(textOf(0));
  await cache.close();
});

test('a source that the store lacks is asked for anew the next time, and leaves nothing', async () => {
  const cache = new SourceCache(store);
  const later = Buffer.from('put later');
  const elsewhere = await openFileStore(join(folder, 'elsewhere'));
  const digest = await elsewhere.putArtifact(later);
  await elsewhere.close();
  const source: StoredSource = { kind: 'video', digest };
  const tries = await Promise.allSettled([cache.hold(source), cache.hold(source)]);
  expect(tries.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(cache.hold(source)).rejects.toMatchObject({ code: 'data-loss' });
  await store.putArtifact(later);
  await using held = await cache.hold(source);
  expect(await readFile(held.path, 'utf8')).toBe('put later');
  await cache.close();
});
