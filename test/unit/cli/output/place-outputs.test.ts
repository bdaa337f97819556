// Goal: outputs appear whole or not at all. Method: a real store and real files; failures that the file system makes.

import { lstat, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openFileStore } from '../../../../common/store/file/index.ts';
import type { Store } from '../../../../common/store/ports.ts';
import type { ArtifactRef, Digest } from '../../../../common/task.ts';
import {
  checkPlaces,
  digestOfArtifacts,
  placeOutputs,
} from '../../../../cli/output/place-outputs.ts';
import type { OutputFile } from '../../../../cli/output/place-outputs.ts';

let folder = '';
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-place-'));
  store = await openFileStore(join(folder, 'store'));
  await mkdir(join(folder, 'out'));
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const out = (...names: string[]): string => join(folder, 'out', ...names);
const listing = async (): Promise<string[]> => (await readdir(out(), { recursive: true })).sort();

async function artifact(text: string): Promise<ArtifactRef> {
  const bytes = Buffer.from(text);
  return { digest: await store.putArtifact(bytes), bytes: bytes.length, type: 'video/mp4' };
}

async function clip(name: string, text: string): Promise<OutputFile> {
  return { kind: 'artifact', path: out(name), artifact: await artifact(text) };
}

const KEEP = { overwrite: false };
const REPLACE = { overwrite: true };

describe('a file', () => {
  it('is put in place, folders and all, and nothing else is left', async () => {
    const path = out('deep', 'er', 'clip.mp4');
    await placeOutputs(store, [{ kind: 'artifact', path, artifact: await artifact('new') }], KEEP);
    expect(await readFile(path, 'utf8')).toBe('new');
    expect(await listing()).toEqual(['deep', 'deep/er', 'deep/er/clip.mp4']);
  });

  it('that is there with the same bytes is left as it is', async () => {
    await writeFile(out('clip.mp4'), 'same');
    await placeOutputs(store, [await clip('clip.mp4', 'same')], KEEP);
    expect(await listing()).toEqual(['clip.mp4']);
  });

  it('that is there and differs is refused, and replaced when asked', async () => {
    await writeFile(out('clip.mp4'), 'mine');
    const outputs = [await clip('other.mp4', 'new'), await clip('clip.mp4', 'new')];
    await expect(placeOutputs(store, outputs, KEEP)).rejects.toMatchObject({
      code: 'already-exists',
      message: expect.stringContaining(out('clip.mp4')) as string,
      hint: expect.stringContaining('--overwrite') as string,
    });
    expect(await readFile(out('clip.mp4'), 'utf8')).toBe('mine');
    expect(await listing()).toEqual(['clip.mp4']);

    await placeOutputs(store, outputs, REPLACE);
    expect(await readFile(out('clip.mp4'), 'utf8')).toBe('new');
    expect(await listing()).toEqual(['clip.mp4', 'other.mp4']);
  });

  it('where a folder is is refused, also when what is there may be replaced', async () => {
    await mkdir(out('folder'));
    const text = { kind: 'text', path: out('folder'), text: 'r', mark: 'r' } as const;
    for (const output of [await clip('folder', 'new'), text]) {
      for (const options of [KEEP, REPLACE]) {
        const outputs = [await clip('other.mp4', 'new'), output];
        await expect(placeOutputs(store, outputs, options)).rejects.toMatchObject({
          code: 'invalid-argument',
          message: `${out('folder')} is a folder, and a file shall be written`,
        });
      }
    }
    expect(await listing()).toEqual(['folder']);
  });

  it('whose artifact is lost leaves nothing, not even the folders', async () => {
    const digest = 'ab'.repeat(32) as Digest;
    const lost: ArtifactRef = { digest, bytes: 3, type: 'video/mp4' };
    const outputs: OutputFile[] = [
      await clip('good.mp4', 'good'),
      { kind: 'artifact', path: out('deep', 'lost.mp4'), artifact: lost },
    ];
    await expect(placeOutputs(store, outputs, KEEP)).rejects.toMatchObject({ code: 'data-loss' });
    expect(await listing()).toEqual([]);
  });
});

describe('a sequence of frames', () => {
  it('is a folder of numbered pictures, with the digest that sha256sum would give', async () => {
    const artifacts = [await artifact('a'), await artifact('b')];
    const frames: OutputFile = { kind: 'frames', path: `${out('frames')}/`, artifacts };
    await placeOutputs(store, [frames], KEEP);
    expect(await listing()).toEqual([
      'frames',
      'frames/frame-000001.png',
      'frames/frame-000002.png',
    ]);
    // printf a >frame-000001.png; printf b >frame-000002.png; sha256sum *.png | sha256sum
    expect(digestOfArtifacts(artifacts)).toBe(
      '008aa9db1ee4dad14b09629892bb6ebc71f49b7ea966018d682107286ba05851',
    );
    await placeOutputs(store, [frames], KEEP);
  });

  it('that is there and differs is refused, and replaced whole when asked', async () => {
    await mkdir(out('frames'));
    await writeFile(out('frames', 'note.txt'), 'mine');
    const artifacts = [await artifact('a')];
    const frames: OutputFile = { kind: 'frames', path: out('frames'), artifacts };
    await expect(placeOutputs(store, [frames], KEEP)).rejects.toMatchObject({
      code: 'already-exists',
    });
    expect(await listing()).toEqual(['frames', 'frames/note.txt']);
    await placeOutputs(store, [frames], REPLACE);
    expect(await listing()).toEqual(['frames', 'frames/frame-000001.png']);
  });
});

/** Names of 255 bytes, the most that file systems take; one in letters of two bytes. */
describe.each([
  ['a', 'a'.repeat(251)],
  ['é', `${'é'.repeat(125)}e`],
])('a name as long as it may be, of %ss', (_, stem) => {
  it('is written, replaced and looked at, as a file, a folder and a report', async () => {
    const name = `${stem}.mp4`;
    expect(Buffer.byteLength(name)).toBe(255);
    await checkPlaces([out(name)]);
    await placeOutputs(store, [await clip(name, 'one')], KEEP);
    await placeOutputs(store, [await clip(name, 'one')], KEEP);
    await placeOutputs(store, [await clip(name, 'two')], REPLACE);
    expect(await readFile(out(name), 'utf8')).toBe('two');

    const folderName = name.replace('.', '_');
    for (const text of ['one', 'two']) {
      const artifacts = [await artifact(text)];
      const frames: OutputFile = { kind: 'frames', path: `${out(folderName)}/`, artifacts };
      await checkPlaces([frames.path]);
      await placeOutputs(store, [frames], REPLACE);
    }
    expect(await readFile(out(folderName, 'frame-000001.png'), 'utf8')).toBe('two');

    const report = { kind: 'text', path: out(`r${name.slice(1)}`), text: 'r', mark: 'r' } as const;
    await placeOutputs(store, [report], KEEP);
    expect(await listing()).toHaveLength(4);
  });

  it('is refused before anything runs when it is one byte longer', async () => {
    for (const path of [out(`${stem}e.mp4`), out(`${stem}e-mp4`), `${out(`${stem}e-mp4`)}/`]) {
      await expect(checkPlaces([path])).rejects.toMatchObject({
        code: 'invalid-argument',
        message: expect.stringContaining('name too long') as string,
      });
    }
  });
});

describe('a symbolic link', () => {
  const isLink = async (name: string): Promise<boolean> =>
    (await lstat(out(name))).isSymbolicLink();
  const framesAt = async (path: string, text: string): Promise<OutputFile> => ({
    kind: 'frames',
    path,
    artifacts: [await artifact(text)],
  });

  it('to a folder stays, and the frames go where it points to', async () => {
    await mkdir(out('real'));
    await writeFile(out('real', 'note.txt'), 'mine');
    await symlink('real', out('link'));
    const frames = await framesAt(`${out('link')}/`, 'a');
    await checkPlaces([frames.path]);
    await expect(placeOutputs(store, [frames], KEEP)).rejects.toMatchObject({
      code: 'already-exists',
    });
    await placeOutputs(store, [frames], REPLACE);
    await placeOutputs(store, [frames], KEEP);
    expect(await isLink('link')).toBe(true);
    expect(await readdir(out())).toEqual(['link', 'real']);
    expect(await readdir(out('real'))).toEqual(['frame-000001.png']);
  });

  it('to a folder elsewhere, by way of another link, is followed', async () => {
    const elsewhere = join(folder, 'elsewhere');
    await mkdir(elsewhere);
    await symlink(elsewhere, out('between'));
    await symlink('between', out('link'));
    await placeOutputs(store, [await framesAt(out('link'), 'a')], REPLACE);
    expect(await readdir(elsewhere)).toEqual(['frame-000001.png']);
    expect([await isLink('between'), await isLink('link')]).toEqual([true, true]);
  });

  it('that points to nothing yet is filled there', async () => {
    await symlink('later', out('link'));
    await placeOutputs(store, [await framesAt(out('link'), 'a')], KEEP);
    expect(await readdir(out('later'))).toEqual(['frame-000001.png']);
    expect(await isLink('link')).toBe(true);
  });

  it('to a file stays, and the file is replaced when asked', async () => {
    await writeFile(out('real.mp4'), 'old');
    await symlink('real.mp4', out('link.mp4'));
    await expect(placeOutputs(store, [await clip('link.mp4', 'new')], KEEP)).rejects.toMatchObject({
      code: 'already-exists',
    });
    await placeOutputs(store, [await clip('link.mp4', 'new')], REPLACE);
    expect(await readFile(out('real.mp4'), 'utf8')).toBe('new');
    expect(await isLink('link.mp4')).toBe(true);
  });

  it('that leads in a circle is refused before anything runs', async () => {
    await symlink('link', out('other'));
    await symlink('other', out('link'));
    await expect(checkPlaces([out('link')])).rejects.toMatchObject({ code: 'invalid-argument' });
  });
});

describe('a report', () => {
  const report = (text: string): OutputFile => ({
    kind: 'text',
    path: out('report.json'),
    text,
    mark: '"bivdiff-report"',
  });

  it('replaces an earlier report, but no other file', async () => {
    await placeOutputs(store, [report('{"kind": "bivdiff-report", "n": 1}')], KEEP);
    await placeOutputs(store, [report('{"kind": "bivdiff-report", "n": 2}')], KEEP);
    expect(await readFile(out('report.json'), 'utf8')).toContain('"n": 2');
    await writeFile(out('report.json'), 'my notes');
    await expect(placeOutputs(store, [report('{}')], KEEP)).rejects.toMatchObject({
      code: 'already-exists',
    });
  });
});

describe('places that cannot be written', () => {
  it('are found before anything runs: a file where a folder must be', async () => {
    await writeFile(out('file'), '');
    await expect(checkPlaces([out('file', 'clip.mp4')])).rejects.toThrow('is not a folder');
    await mkdir(out('clip.mp4'));
    await expect(checkPlaces([out('clip.mp4')])).rejects.toThrow('is a folder');
  });

  it('are found before anything runs: a folder that takes no files', async () => {
    // The kernel's own file systems refuse new files even to root.
    await expect(checkPlaces(['/proc/clip.mp4'])).rejects.toMatchObject({
      message: expect.stringContaining('cannot write /proc/clip.mp4') as string,
      hint: expect.any(String) as string,
    });
  });

  it('leave no trace when they can', async () => {
    await checkPlaces([out('new', 'clip.mp4'), `${out('frames')}/`]);
    expect(await listing()).toEqual([]);
  });
});
