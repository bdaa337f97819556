// Where a Render's source may lie: below the folder of sources and nowhere else, whatever leads out of it.

import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { findSource } from '../../../../cli/programs/render-source.ts';
import { digestBytes } from '../../../../common/digest.ts';
import { openStore } from '../../../../common/store/open-store.ts';
import type { Store } from '../../../../common/store/ports.ts';

const CLIP = join(import.meta.dirname, '../../../../examples/source.mp4');

let folder: string;
let store: Store;
let sources: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-sources-'));
  store = await openStore(join(folder, 'store'));
  sources = join(folder, 'sources');
  await mkdir(join(sources, 'pictures'), { recursive: true });
  await copyFile(CLIP, join(sources, 'clip.mp4'));
  await writeFile(join(sources, 'pictures/1.png'), 'a');
  await writeFile(join(folder, 'secret.png'), 'secret');
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const find = (path: string) => findSource({ path }, { store, sources });

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
  await expect(findSource({ path: 'clip.mp4' }, { store })).rejects.toMatchObject({
    code: 'invalid-argument',
    hint: expect.stringContaining('renders.sources') as unknown,
  });
});

it('takes a digest as it is', async () => {
  const digest = 'ab'.repeat(32);
  expect(await findSource({ video: digest }, { store })).toEqual({
    ...{ source: { kind: 'video', digest }, path: digest, isOurs: false },
  });
  await expect(findSource({ folder: 'x' }, { store })).rejects.toThrow('64 hex digits');
});
