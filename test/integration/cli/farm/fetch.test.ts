// Goal: fetch writes a job's files under names that fit them, and refuses all others before anything is written. Method: the command as typed,
// in this process, over gRPC to a real coordinator; jobs written into its store as if rendered.

import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { runCommandLine } from '../../../../cli/program.ts';
import { digestText } from '../../../../common/digest.ts';
import type { ArtifactType, JobId } from '../../../../common/task.ts';
import { GuardedFarm } from '../../../support/farm/guarded-farm.ts';
import { picturesOutput, putJob } from '../../../support/farm/put-job.ts';
import { createSampleEnvironment } from '../../../unit/cli/sample-environment.ts';

const idOf = (name: string): JobId => digestText(name) as unknown as JobId;
const VIDEO = idOf('of an mp4');
const PICTURES = idOf('of pictures');
const NEWER = idOf('of a format that is not known yet');

let farm: GuardedFarm;
beforeAll(async () => {
  farm = await GuardedFarm.start({
    prepare: async (store) => {
      const artifact = async (text: string, type: ArtifactType) => {
        const bytes = Buffer.from(text);
        return { digest: await store.putArtifact(bytes), bytes: bytes.length, type };
      };
      const output = async (layout: string, format: string, type: ArtifactType) => ({
        params: { layout, format, framesPerSecond: 8 },
        artifacts: [await artifact(`the ${layout}`, type)],
      });
      const outputs = [
        await output('clip', 'mp4', 'video/mp4'),
        await output('comparison', 'mp4', 'video/mp4'),
        await output('contact-sheet', 'png', 'image/png'),
      ];
      await putJob(store, { id: VIDEO, atMs: 1, outputs });
      const pictures = [await artifact('a', 'image/png'), await artifact('b', 'image/png')];
      await putJob(store, { id: PICTURES, atMs: 2, outputs: [picturesOutput(pictures)] });
      const newer = [await output('clip', 'mp9', 'video/mp4')];
      await putJob(store, { id: NEWER, atMs: 3, outputs: newer });
    },
  });
});
afterAll(async () => {
  await farm.close();
});

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-fetch-'));
  await mkdir(join(folder, 'ff'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function fetch(...words: string[]) {
  const environment = createSampleEnvironment({ folder, server: farm.address });
  const code = await runCommandLine(['fetch', ...words], environment);
  return { code, ...environment.written };
}

const written = async (): Promise<string[]> => (await readdir(folder, { recursive: true })).sort();

/** `text` with the folder's path for %. */
async function expectRefused(words: readonly string[], text: string): Promise<void> {
  const { code, stdout, stderr } = await fetch(...words);
  expect(stderr).toContain(text.replaceAll('%', folder));
  expect(stderr).not.toMatch(/E[A-Z]{4,}/);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(await written()).toEqual(['ff']);
}

describe('names that fit', () => {
  it('get each output of a job', async () => {
    const flags = ['--output', 'new/a.mp4', '--comparison', 'b.MP4', '--contact-sheet', 'c.png'];
    expect(await fetch(VIDEO, ...flags)).toMatchObject({ code: 0, stderr: '' });
    expect(await readFile(join(folder, 'new', 'a.mp4'), 'utf8')).toBe('the clip');
    expect(await readFile(join(folder, 'b.MP4'), 'utf8')).toBe('the comparison');
    expect(await readFile(join(folder, 'c.png'), 'utf8')).toBe('the contact-sheet');
  });

  it.each(['pictures', 'pictures/', 'of.v2/'])('get pictures into %s', async (name) => {
    const run = await fetch(PICTURES, '--output', name);
    expect(run).toMatchObject({ code: 0, stdout: `${join(folder, name).replace(/\/$/, '')}\n` });
    expect((await readdir(join(folder, name))).sort()).toEqual([
      'frame-000001.png',
      'frame-000002.png',
    ]);
  });

  it('are all that are known, where a newer farm has formats that are not', async () => {
    expect(await fetch(NEWER, '--output', 'a.webm')).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('an ending that is not the format’s', () => {
  it.each([
    [
      ['clip.webm'],
      '--output: %/clip.webm does not end in .mp4, as files in the format mp4 do',
      'has the format mp4: give --output a file name, such as clip.mp4.',
    ],
    [['x/clip.gif'], 'x/clip.gif does not end in .mp4', 'such as clip.mp4.'],
    [['clip'], '%/clip names a folder and does not end in .mp4', 'such as clip/clip.mp4. --frames'],
    [['clip.mp4/'], '%/clip.mp4/ names a folder and does not end in .mp4', '--frames DIR'],
    [['ff/'], '%/ff/ names a folder and does not end in .mp4', 'such as ff/clip.mp4.'],
    [['ff/', '--overwrite'], '%/ff/ names a folder and', 'such as ff/clip.mp4.'],
    [['ff', '--overwrite'], '%/ff names a folder and', 'such as ff/clip.mp4.'],
    [['ff/', '--overwrite', '--follow'], '%/ff/ names a folder and', 'such as ff/clip.mp4.'],
    [['clip.webm', '--follow'], '%/clip.webm does not end in .mp4', 'such as clip.mp4.'],
    [['clip.avi'], '--output: no format is known for %/clip.avi', ''],
    [[''], '--output: expected a file name, got ""', ''],
    [
      ['a.mp4', '--comparison', 'b.webm'],
      '--comparison: %/b.webm does not end in .mp4; it has',
      '',
    ],
    [['a.mp4', '--contact-sheet', 'c.jpg'], '--contact-sheet: %/c.jpg does not end in .png', ''],
  ])('is refused for a video: %j', async ([name, ...flags], problem, hint) => {
    for (const text of [problem, hint]) {
      await expectRefused([VIDEO, '--output', name!, ...flags], text);
    }
  });

  it('is refused for pictures', async () => {
    const words = [PICTURES, '--output', 'fr.mp4'];
    await expectRefused(words, '--output: png-sequence fills a folder, and %/fr.mp4 looks like');
    await expectRefused(words, 'has the format png-sequence: give --output a folder, such as fr/.');
  });
});

describe('a folder where a file shall be', () => {
  it('is told as one, also when files may be replaced', async () => {
    await rm(join(folder, 'ff'), { recursive: true });
    await mkdir(join(folder, 'ff.mp4'));
    for (const flags of [[], ['--overwrite'], ['--follow'], ['--follow', '--overwrite']]) {
      const run = await fetch(VIDEO, '--output', 'ff.mp4', ...flags);
      expect(run.code).toBe(2);
      expect(run.stderr).toContain(`${folder}/ff.mp4 is a folder, and a file shall be written`);
      expect(await written()).toEqual(['ff.mp4']);
    }
  });

  it('is told as one before a job is followed', async () => {
    const words = [VIDEO, '--follow', '--output', 'ff/'];
    await expectRefused(words, '%/ff/ is a folder that exists');
    await expectRefused(words, 'A video wants a file name, such as ff/clip.mp4');
  });
});

describe('places that clash', () => {
  it.each([
    [['--frames', 'u/z', '--output', 'u/z'], '--frames: --output has the same name, %/u/z'],
    [['--frames', 'u/z.webm'], '--frames: frames fill a folder, and %/u/z.webm looks like a file'],
    [['--frames', ''], '--frames: expected a folder, got ""'],
    [
      ['--output', 'u/sub/z.mp4', '--frames', 'u/sub'],
      '--output: %/u/sub/z.mp4 is inside %/u/sub, which --frames names',
    ],
    [
      ['--output', 'u/z', '--contact-sheet', 'u/z/c.png'],
      '--contact-sheet: %/u/z/c.png is inside %/u/z, which --output names',
    ],
    [
      ['--comparison', 'a.mp4', '--output', './a.mp4'],
      '--comparison: --output has the same name, %/a.mp4',
    ],
    [
      ['--follow', '--output', 'a.mp4', '--comparison', 'a.so-far.mp4'],
      'the file that --follow writes: --comparison has the same name, %/a.so-far.mp4',
    ],
  ])('are refused before anything is asked for: %j', async (flags, text) => {
    await expectRefused(['no-such-job', ...flags], text);
  });

  it('are told all at once', async () => {
    const flags = ['--output', 'a.avi', '--contact-sheet', 'd/c.png', '--frames', 'd'];
    const { code, stderr } = await fetch('no-such-job', ...flags);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /2 problems:\n.* no format is known for .*\n.* --contact-sheet: .* is inside/,
    );
  });

  it('may lie beside each other under names that begin alike', async () => {
    const flags = ['--output', 'a.mp4', '--comparison', 'a.mp4.mp4'];
    expect(await fetch(VIDEO, ...flags)).toMatchObject({ code: 0 });
    expect(await written()).toEqual(['a.mp4', 'a.mp4.mp4', 'ff']);
  });
});
