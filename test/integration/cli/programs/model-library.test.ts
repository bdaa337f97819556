// Which model set a farm takes for which name. Real folders, each with the tiny set in it.

import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ModelLibrary } from '../../../../cli/programs/model-library.ts';
import { TINY_SET } from '../../../support/models/paths.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'bivdiff-library-'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

/** A folder that holds sets of these names, beside a folder that is none. */
async function folderOf(name: string, sets: readonly string[]): Promise<string> {
  const folder = join(root, name);
  await mkdir(join(folder, 'notes'), { recursive: true });
  for (const set of sets) await symlink(TINY_SET, join(folder, set));
  return folder;
}

describe('a farm of several sets', () => {
  it('opens each by the name of its folder, and no other', async () => {
    const library = new ModelLibrary(await folderOf('several', ['sd1.5', 'demo', 'big']));
    expect((await library.open('sd1.5')).folder).toBe(join(root, 'several/sd1.5'));
    expect((await library.open()).folder).toBe(join(root, 'several/demo'));
    await expect(library.open('nosuch')).rejects.toMatchObject({
      code: 'not-found',
      message: 'models: no model set nosuch; this farm has: big, demo, sd1.5',
    });
    for (const name of ['notes', '.', '..', '../several/big', 'tiny']) {
      await expect(library.open(name)).rejects.toThrow(`no model set ${name}; this farm has: big`);
    }
  });

  it('wants a name where none of them is demo', async () => {
    const library = new ModelLibrary(await folderOf('nameless', ['a', 'b']));
    await expect(library.open()).rejects.toThrow('models: say which; this farm has: a, b');
  });

  it('finds a set that is put there later', async () => {
    const library = new ModelLibrary(await folderOf('growing', ['a']));
    await expect(library.open('b')).rejects.toThrow('this farm has: a');
    await symlink(TINY_SET, join(root, 'growing/b'));
    expect((await library.open('b')).folder).toBe(join(root, 'growing/b'));
  });
});

describe('a farm of one set', () => {
  it('takes it without a name, or by the name of the folder that it is', async () => {
    const library = new ModelLibrary(TINY_SET);
    expect((await library.open()).folder).toBe(TINY_SET);
    expect((await library.open('tiny-set')).folder).toBe(TINY_SET);
  });

  it('is not what another name means', async () => {
    const library = new ModelLibrary(TINY_SET);
    // Neither the name on its card, nor a folder in it, nor what ships.
    for (const name of ['nosuch', 'tiny', 'image', 'demo']) {
      await expect(library.open(name)).rejects.toMatchObject({
        code: 'not-found',
        details: { problems: [`models: no model set ${name}; this farm has: tiny-set`] },
      });
    }
  });
});

describe('a farm without sets', () => {
  it('says so, whether its folder is empty or missing', async () => {
    for (const folder of [await folderOf('none', []), join(root, 'missing')]) {
      const library = new ModelLibrary(folder);
      await expect(library.open('demo')).rejects.toThrow('models: this farm has no model sets');
    }
  });
});
