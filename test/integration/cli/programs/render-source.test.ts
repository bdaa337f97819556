// Where a Render's source may lie: below the folder of sources and nowhere else, whatever leads out of it. And how often it is read: once, while it
// stays as it is.

import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { RenderSources } from '../../../../cli/programs/render-source.ts';
import { digestBytes } from '../../../../common/digest.ts';
import { putSource } from '../../../../common/sources/source.ts';
import { openStore } from '../../../../common/store/open-store.ts';
import type { Store } from '../../../../common/store/ports.ts';
import type { Digest } from '../../../../common/task.ts';
import type { RenderSource } from '../../../../coordinator/kubernetes/renders/resource.ts';

const CLIP = join(import.meta.dirname, '../../../../examples/source.mp4');

let folder: string;
let store: Store;
let sources: string;
let bytesMax: number;
/** Files that were read to be put. */
let read: string[];
/** Done when the next file is about to be read. */
let beforeReading: () => Promise<void>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-sources-'));
  store = await openStore(join(folder, 'store'));
  sources = join(folder, 'sources');
  bytesMax = 1 << 20;
  read = [];
  beforeReading = () => Promise.resolve();
  await mkdir(join(sources, 'pictures'), { recursive: true });
  await copyFile(CLIP, join(sources, 'clip.mp4'));
  await writeFile(join(sources, 'pictures/1.png'), 'a');
  await writeFile(join(folder, 'secret.png'), 'secret');
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** The store, and what is read for it. */
const watched = () => ({
  putArtifact: (bytes: Uint8Array) => store.putArtifact(bytes),
  hasArtifact: (digest: Digest) => store.hasArtifact(digest),
  putArtifactFile: async (path: string, options?: { readonly signal?: AbortSignal }) => {
    read.push(basename(path));
    await beforeReading();
    return store.putArtifactFile(path, options);
  },
});
const open = () => new RenderSources({ store: watched(), folder: sources, bytesMax });
const never = new AbortController().signal;
const asked = (named: RenderSource, uid = 'u') => ({ uid, field: 'source', named });
const find = (path: string) => open().find(asked({ path }), never);

it('puts a file or a folder below it into the store', async () => {
  const { source, path, isOurs } = await find('clip.mp4');
  expect({ path, isOurs, kind: source.kind }).toEqual({
    ...{ path: 'clip.mp4', isOurs: true, kind: 'video' },
  });
  expect(await store.hasArtifact(source.digest)).toBe(true);
  expect((await find('pictures')).source.kind).toBe('folder');
  await symlink('clip.mp4', join(sources, 'link.mp4'));
  expect((await find('link.mp4')).source).toEqual(source);
});

it('refuses what leads out of it, and stores nothing', async () => {
  await symlink('../secret.png', join(sources, 'link.png'));
  await symlink('..', join(sources, 'up'));
  await mkdir(join(sources, 'mixed'));
  await symlink(join(folder, 'secret.png'), join(sources, 'mixed/2.png'));
  for (const path of ['../secret.png', 'link.png', 'up/secret.png', 'mixed', 'pictures/../..']) {
    await expect(find(path), path).rejects.toMatchObject({ code: 'invalid-argument' });
  }
  expect(await store.hasArtifact(digestBytes(Buffer.from('secret')))).toBe(false);
});

it('says what is not there, and where there is no such folder', async () => {
  await expect(find('none.mp4')).rejects.toMatchObject({
    code: 'not-found',
    message: 'source.path: none.mp4: there is no such file or folder',
  });
  const places = new RenderSources({ store, bytesMax });
  await expect(places.find(asked({ path: 'clip.mp4' }), never)).rejects.toMatchObject({
    code: 'invalid-argument',
    hint: expect.stringContaining('renders.sources') as unknown,
  });
});

it('takes a digest as it is', async () => {
  const digest = 'ab'.repeat(32);
  expect(await open().find(asked({ video: digest }), never)).toEqual({
    ...{ source: { kind: 'video', digest }, path: digest, isOurs: false },
  });
  await expect(open().find(asked({ folder: 'x' }), never)).rejects.toThrow('64 hex digits');
});

it('tells of a further source by its own field, and reads it beside the first', async () => {
  const places = open();
  const first = await places.find(asked({ path: 'clip.mp4' }), never);
  const mask = { uid: 'u', field: 'sources.mask', named: { path: 'pictures' } };
  expect((await places.find(mask, never)).source.kind).toBe('folder');
  expect(await places.find(asked({ path: 'clip.mp4' }), never)).toEqual(first);
  expect(read).toEqual(['clip.mp4', '1.png']);
  places.forget('u');
  await places.find(mask, never);
  expect(read).toHaveLength(3);
  await expect(places.find({ ...mask, named: { path: 'none' } }, never)).rejects.toThrow(
    'sources.mask.path: none: there is no such file or folder',
  );
});

it.each(['https://a/b.mp4', 's3://bucket/b.mp4', 'FILE:///b.mp4'])(
  'refuses the address %s, which nobody would ever put there',
  async (path) => {
    await expect(find(path)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: `source.path: ${path}: addresses are not taken`,
      hint: expect.stringContaining('bivdiff upload') as unknown,
    });
  },
);

it('refuses a file that nobody could upload, before anything is read', async () => {
  await writeFile(join(sources, 'large.mp4'), '');
  await truncate(join(sources, 'large.mp4'), 4 * 2 ** 40);
  await expect(find('large.mp4')).rejects.toMatchObject({
    ...{ code: 'resource-exhausted', retry: 'never' },
    message: `source.path: large.mp4 has ${4 * 2 ** 40} bytes, and a file may have ${1 << 20} at most`,
  });
  await symlink('../large.mp4', join(sources, 'pictures/2.png'));
  await expect(find('pictures')).rejects.toThrow('pictures/2.png has');
  expect(read).toEqual([]);
  bytesMax = 1;
  await rm(join(sources, 'pictures/2.png'));
  expect((await find('pictures')).source.kind).toBe('folder');
});

it('stops reading when it is told to', async () => {
  bytesMax = 8 * 2 ** 40;
  await truncate(join(sources, 'clip.mp4'), 4 * 2 ** 40);
  const ending = new AbortController();
  beforeReading = () => {
    setImmediate(() => {
      ending.abort();
    });
    return Promise.resolve();
  };
  await expect(open().find(asked({ path: 'clip.mp4' }), ending.signal)).rejects.toMatchObject({
    code: 'cancelled',
  });
});

describe('a source', () => {
  it('is read once for a Render, while it is as it was', async () => {
    const places = open();
    const ask = (path: string, uid = path) => places.find(asked({ path }, uid), never);
    const first = [await ask('clip.mp4'), await ask('pictures')];
    expect(read).toEqual(['clip.mp4', '1.png']);
    expect([await ask('clip.mp4'), await ask('pictures')]).toEqual(first);
    expect(read).toHaveLength(2);
    // Of the same size.
    await writeFile(join(sources, 'pictures/1.png'), 'b');
    const again = await ask('pictures');
    expect(again.source).toEqual(await putSource(store, join(sources, 'pictures')));
    expect(again.source).not.toEqual(first[1]!.source);
    await writeFile(join(sources, 'pictures/2.png'), 'c');
    expect((await ask('pictures')).source).not.toEqual(again.source);
    await appendFile(join(sources, 'clip.mp4'), '\0');
    expect((await ask('clip.mp4')).source).not.toEqual(first[0]!.source);
    expect(read).toEqual(['clip.mp4', '1.png', '1.png', '1.png', '2.png', 'clip.mp4']);
    // Another Render may mean other bytes, and one may be told to read again.
    await ask('clip.mp4', 'another');
    places.forget('clip.mp4');
    await ask('clip.mp4');
    expect(read).toHaveLength(8);
  });

  it('that the store has lost is read again', async () => {
    const places = open();
    const ask = () => places.find(asked({ path: 'clip.mp4' }), never);
    await ask();
    await store.close();
    store = await openStore(join(folder, 'other-store'));
    const { source } = await ask();
    expect(read).toHaveLength(2);
    expect(await store.hasArtifact(source.digest)).toBe(true);
  });

  it('that changes while it is read is not taken as it was in between', async () => {
    beforeReading = () => appendFile(join(sources, 'clip.mp4'), 'x');
    await expect(find('clip.mp4')).rejects.toMatchObject({
      code: 'unavailable',
      message: 'source.path: clip.mp4 changes while it is read',
    });
  });
});
