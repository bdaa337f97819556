// Goal: probe tells what is in a file and what will be done about it, of each of several, and what cannot be read in one error that names
// the file. Method: the real program on the media tests' files.

import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import sharp from 'sharp';
import { describe, expect, it } from 'vitest';

import { FIXTURES, bivdiff, createWorkplace, jsonOf } from './workplace.ts';

const fixture = (name: string): string => join(FIXTURES, name);

interface Told {
  readonly sources: readonly (Readonly<Record<string, unknown>> & {
    readonly treatment: readonly { readonly about: string; readonly done: string }[];
  })[];
}

describe('probe of a video', () => {
  it('tells what is found, and beside it what will be done', async () => {
    const run = await bivdiff('probe', fixture('rotated-90.mp4'));
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toMatch(/^.*rotated-90\.mp4\n {2}container {5}MP4 or MOV\n/);
    expect(run.stdout).toMatch(/^ {2}way up {2,}marked 90° {2,}turned 90° clockwise$/m);
    expect(run.stdout).toMatch(/^ {2}size {2,}(\d+)x(\d+) stored, \2x\1 shown$/m);
    expect(run.stdout).not.toMatch(/ $/m);
  });

  it('is one object with --json', async () => {
    const run = await bivdiff('probe', '--json', fixture('rotated-90.mp4'), fixture('sound.mp4'));
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const { sources } = jsonOf<Told>(run);
    expect(sources).toHaveLength(2);
    expect(sources[0]).toMatchObject({
      path: fixture('rotated-90.mp4'),
      container: 'mp4',
      codec: expect.stringMatching(/^avc1\./) as string,
      turnDegrees: 90,
      mirrored: false,
      stored: { width: 64, height: 48 },
      shown: { width: 48, height: 64 },
      pixelAspect: 1,
      pixelFormat: 'yuv420p',
      colour: { taken: { range: 'tv' } },
      hdr: false,
      alpha: false,
      interlaced: false,
      variableFrameRate: false,
    });
    expect(sources[0]!.treatment).toContainEqual({ about: 'way up', done: 'turned 90° clockwise' });
    expect(sources[1]).toMatchObject({ sounds: 1, sound: { codec: 'aac' } });
    expect(sources[1]!.treatment).toContainEqual({
      about: 'sound',
      done: 'left out, unless --audio keep is given',
    });
  });

  it.each([
    ['untagged.mp4', 'range', 'taken for limited'],
    ['untagged.mp4', 'matrix', 'taken for BT.601'],
    ['ten-bit.mp4', 'pixel format', 'brought to 8 bits a channel'],
    [
      'alpha.png',
      'alpha',
      'laid over black; kept by roundtrip and --task frames in MOV, MKV and PNG outputs',
    ],
    ['variable-rate.mp4', 'rate', 'frames are taken one after another, however long each is shown'],
  ])('of %s tells that the %s is %s', async (name, about, done) => {
    const { sources } = jsonOf<Told>(await bivdiff('probe', '--json', fixture(name)));
    expect(sources[0]!.treatment).toContainEqual({ about, done });
  });
});

describe('probe of a folder of pictures', () => {
  it('counts them and tells mixed sizes, in the order of the frames', async () => {
    await using place = await createWorkplace();
    const folder = place.path('pictures');
    await mkdir(folder);
    for (const [number, width] of [40, 40, 20].entries()) {
      const create = { width, height: 30, channels: 3, background: '#804020' } as const;
      await sharp({ create }).toFile(join(folder, `f_${number + 9}.png`));
    }
    await writeFile(join(folder, 'notes.txt'), 'no picture');
    const run = await bivdiff('probe', folder);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toMatch(/frames +3, from f_9\.png to f_11\.png/);
    expect(run.stdout).toMatch(
      /size +mixed: 40x30 \(2\), 20x30 \(1\) +each is brought to one size/,
    );
    const { sources } = jsonOf<Told>(await bivdiff('probe', '--json', folder));
    expect(sources[0]).toMatchObject({
      ...{ container: 'image-folder', frames: 3, rate: null, colour: null },
      pictures: { first: 'f_9.png', last: 'f_11.png', withAlpha: 0 },
    });
  });

  it('names the picture that is damaged', async () => {
    await using place = await createWorkplace();
    const folder = place.path('pictures');
    await mkdir(folder);
    await copyFile(fixture('alpha.png'), join(folder, '1.png'));
    await writeFile(join(folder, '2.png'), 'no picture');
    const run = await bivdiff('probe', folder);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/^error: pictures\/2\.png is damaged, or no picture\n/);
  });
});

describe('probe of what cannot be read', () => {
  it('tells the others still, and ends with 2', async () => {
    const names = ['truncated.mp4', 'text.mp4', 'vp9.webm', 'none.mp4'].map(fixture);
    const run = await bivdiff('probe', ...names);
    expect(run.code).toBe(2);
    expect(run.stdout).toMatch(/^.*vp9\.webm\n/);
    expect(run.stdout.match(/container/g)).toHaveLength(1);
    expect(run.stderr.match(/^error: .*$/gm)).toEqual([
      expect.stringContaining(`error: ${names[0]!} is truncated`),
      expect.stringContaining('text.mp4 is not a video'),
      expect.stringContaining('none.mp4: no such file'),
    ]);
    const { sources } = jsonOf<Told>(await bivdiff('probe', '--json', ...names));
    expect(sources.map(({ error }) => (error as { code: string } | undefined)?.code)).toEqual([
      'invalid-argument',
      'invalid-argument',
      undefined,
      'not-found',
    ]);
  });

  it('asks for a file where none is named', async () => {
    const run = await bivdiff('probe');
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/^error: missing required argument 'file'/);
  });
});
