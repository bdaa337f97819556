// Which files of a folder become part of a source in the store. Real files, a store in memory.

import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { putSource, readListing } from '../../../../common/sources/source.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import { caseFile } from '../../../support/media/cases.ts';

const FRAMES = caseFile('reported/frames');
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bivdiff-source-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('a stray file in a folder changes neither its digest nor what is stored', async () => {
  await cp(FRAMES, folder, { recursive: true });
  const store = createMemoryStore();
  const before = await putSource(store, folder);
  const stored = await store.usage();
  await writeFile(path.join(folder, 'notes.txt'), 'a note');
  await writeFile(path.join(folder, '.hidden.png'), 'no picture');
  await writeFile(path.join(folder, 'making-of.mov'), 'no picture');
  await writeFile(path.join(folder, 'clip.gif'), 'no frame of it');
  await mkdir(path.join(folder, 'folder.png'));
  expect(await putSource(store, folder)).toEqual(before);
  expect(await store.usage()).toEqual(stored);
});

test('a linked picture is the picture that the link leads to', async () => {
  const store = createMemoryStore();
  const linked = path.join(folder, 'linked');
  await mkdir(linked);
  for (const name of ['f_1.png', 'f_2.png', 'f_3.png', 'f_4.png']) {
    await symlink(path.join(FRAMES, name), path.join(linked, name));
  }
  const { digest } = await putSource(store, linked);
  expect(digest).toBe((await putSource(store, FRAMES)).digest);
  expect(await readListing(store, digest)).toHaveLength(4);
});

test('a link that leads nowhere is refused by its name', async () => {
  const store = createMemoryStore();
  await symlink('nowhere.png', path.join(folder, 'lost.png'));
  await expect(putSource(store, folder)).rejects.toMatchObject({
    code: 'not-found',
    message: expect.stringContaining('lost.png') as string,
  });
});
