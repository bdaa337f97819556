// The moves by which files leave their names, where another process was faster: what is wanted by then stays.

import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { StoreFolder } from '../../../../common/store/file/store-folder.ts';

let root = '';
let folder: StoreFolder;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bivdiff-folder-'));
  folder = new StoreFolder(root, { machine: 'here', pid: 1, started: '1' });
  await mkdir(folder.temporary);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const textIs =
  (text: string) =>
  async (path: string): Promise<boolean> =>
    (await readFile(path, 'utf8')) === text;

describe('StoreFolder', () => {
  it('moves what is damaged to the quarantine, though that was cleared away', async () => {
    const path = join(root, 'file');
    await writeFile(path, 'bad');
    expect(await folder.moveAside(path, 'file', textIs('bad'))).toBe('moved');
    expect(await readdir(root)).toEqual(['quarantine', 'tmp']);
    expect((await readdir(folder.quarantine))[0]).toMatch(/^file\./);
  });

  it('puts back what turns out to be sound, healed by another since', async () => {
    const path = join(root, 'file');
    await writeFile(path, 'good');
    expect(await folder.moveAside(path, 'file', textIs('bad'))).toBe('kept');
    expect(await readFile(path, 'utf8')).toBe('good');
    expect(await readdir(folder.quarantine)).toEqual([]);
  });

  it('leaves what another has put in between', async () => {
    const path = join(root, 'file');
    await writeFile(path, 'good');
    const outcome = await folder.remove(path, async () => {
      await writeFile(path, 'newer');
      return false;
    });
    expect(outcome).toBe('kept');
    expect(await readFile(path, 'utf8')).toBe('newer');
    expect(await readdir(folder.temporary)).toEqual([]);
  });

  it('says when nothing is there', async () => {
    const path = join(root, 'file');
    expect(await folder.moveAside(path, 'file', textIs('bad'))).toBe('gone');
    expect(await folder.remove(path, textIs('bad'))).toBe('gone');
  });

  it('removes what is unwanted, leaving nothing', async () => {
    const path = join(root, 'file');
    await writeFile(path, 'old');
    expect(await folder.remove(path, textIs('old'))).toBe('moved');
    expect(await readdir(root, { recursive: true })).toEqual(['tmp']);
  });
});
