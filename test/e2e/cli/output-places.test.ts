// Goal: outputs go where users say, in each format that they say, whatever the place is called. Method: the real program; roundtrips where no
// model is needed.

import { spawn } from 'node:child_process';
import { lstat, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { MOVIE_FORMATS, endingOf } from '../../../common/outputs/output-formats.ts';
import { createMediaService } from '../../../workers/media/media-service.ts';
import { casesOf, isThorough } from '../../support/thorough.ts';
import { endOfCli } from '../../support/cli-process.ts';
import {
  FIXTURES,
  MAIN,
  bivdiff,
  createWorkplace,
  expectOneError,
  jsonOf,
  tinyFlags,
} from './workplace.ts';

const CLIP = join(FIXTURES, 'b-frames.mp4');
const QUIET = ['--quiet', '--overwrite'] as const;
/** What an ending means by itself, and what it means only by --format; all are encoded in test/integration/workers/media. */
const QUICK_FORMATS: readonly string[] = ['mp4', 'mp4-hevc'];

describe('a roundtrip', () => {
  it('writes every format that --format names', async () => {
    await using place = await createWorkplace();
    await using media = createMediaService();
    for (const format of casesOf(MOVIE_FORMATS, (one) => QUICK_FORMATS.includes(one))) {
      const output = place.path('out', `${format}${endingOf(format)}`);
      const run = await bivdiff('roundtrip', CLIP, output, '--format', format, '--quiet');
      expect(run.code, run.stderr).toBe(0);
      expect(await media.probe(output)).toMatchObject({ frames: 40, width: 64, height: 48 });
    }
  });

  it('through 16-bit PNGs, again and again, changes no value', async () => {
    await using place = await createWorkplace();
    const start = place.path('start');
    const flags = ['--format', 'png-sequence', ...QUIET] as const;
    await bivdiff('roundtrip', CLIP, start, ...flags, '--frames', '4');
    let from = start;
    for (let i = 0; i < (isThorough ? 3 : 2); i++) {
      const to = place.path(`generation-${i}`);
      const run = await bivdiff('roundtrip', from, to, '--format', 'png16-sequence', ...QUIET);
      expect(run.code, run.stderr).toBe(0);
      from = to;
    }
    const end = place.path('end');
    const [first, last] = [
      await bivdiff('roundtrip', start, place.path('same'), ...flags, '--json'),
      await bivdiff('roundtrip', from, end, ...flags, '--json'),
    ];
    const digest = (text: string): unknown =>
      (JSON.parse(text) as { output: { sha256: string } }).output.sha256;
    expect(digest(last.stdout)).toBe(digest(first.stdout));
  });

  it.each(casesOf([240, 255], (bytes) => bytes === 255))(
    'goes under names of %i bytes, as a file and as a folder',
    async (bytes) => {
      await using place = await createWorkplace();
      const file = `${'n'.repeat(bytes - 4)}.mp4`;
      const folder = `${'é'.repeat(Math.floor(bytes / 2))}${'n'.repeat(bytes % 2)}`;
      for (const name of [file, `${folder}/`]) {
        const flags = ['--frames', '2', '--quiet'];
        const run = await bivdiff('roundtrip', CLIP, place.path('out', name), ...flags);
        expect(run.code, run.stderr).toBe(0);
      }
      expect(await readdir(place.path('out'))).toEqual([file, folder].sort());
    },
  );

  it('goes into the folder that a link points to, also one that is not there yet', async () => {
    await using place = await createWorkplace();
    await mkdir(place.path('real'));
    await symlink('real', place.path('linked'));
    await symlink('to-be-made', place.path('dangling'));
    for (const [link, folder] of [
      ['linked', 'real'],
      ['dangling', 'to-be-made'],
    ] as const) {
      const output = `${place.path(link)}/`;
      const run = await bivdiff('roundtrip', CLIP, output, '--frames', '1', ...QUIET);
      expect(run.code, run.stderr).toBe(0);
      expect((await lstat(place.path(link))).isSymbolicLink()).toBe(true);
      expect(await readdir(place.path(folder))).toEqual(['frame-000001.png']);
    }
  });

  it('refuses a format whose files end otherwise, in one line', async () => {
    await using place = await createWorkplace();
    const run = await bivdiff('roundtrip', CLIP, place.path('out', 'a.mov'), '--format', 'mp4-av1');
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/a\.mov does not end in \.mp4, as files in the format mp4-av1 do/);
    expect(await place.outputs()).toEqual([]);
  });
});

describe('a render', () => {
  it('goes under names of 255 bytes, and into the folder that a link points to', async () => {
    await using place = await createWorkplace();
    const name = `${'n'.repeat(251)}.mp4`;
    const clip = await bivdiff('render', ...tinyFlags(place, { output: place.path('out', name) }));
    expect(clip.code, clip.stderr).toBe(0);
    expect(await place.outputs()).toEqual([name]);

    const real = place.path('real');
    const link = place.path('pnglink');
    await mkdir(real);
    await writeFile(join(real, 'frame-000001.png'), 'an earlier one');
    await symlink(basename(real), link);
    const flags = tinyFlags(place, { output: `${link}/` });
    const frames = await bivdiff('render', ...flags, '--overwrite');
    expect(frames.code, frames.stderr).toBe(0);
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect(await readdir(real)).toEqual([1, 2, 3, 4].map((n) => `frame-00000${n}.png`));

    const tooLong = place.path('out', `n${name}`);
    const refused = await bivdiff('render', ...tinyFlags(place, { output: tooLong }));
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/name too long/);
  });
});

describe('an output that cannot be written', () => {
  it('because its folder takes no files, is told before anything runs', async () => {
    await using place = await createWorkplace();
    // The kernel's own file systems refuse new files even to root.
    const output = '/proc/clip.mp4';
    const run = await bivdiff('render', '--quiet', ...tinyFlags(place, { output }));
    expectOneError(run, /cannot write \/proc\/clip\.mp4/);
    expect(run.stderr).toContain('hint: ');
  });

  it('because it exists and differs, stays as it is', async () => {
    await using place = await createWorkplace();
    const output = place.path('out', 'clip.mp4');
    await mkdir(place.path('out'));
    await writeFile(output, 'mine');
    const flags = tinyFlags(place, { output });
    expectOneError(await bivdiff('render', '--quiet', ...flags), /clip\.mp4 exists and differs/);
    expect(await readFile(output, 'utf8')).toBe('mine');
    // docs/cli.md says so of exit code 2: the bytes are known, and kept, once it is rendered.
    const planned = jsonOf(await bivdiff('plan', '--json', ...flags));
    expect(planned).toMatchObject({ tasks: { toRun: 0 } });
    expect(await place.outputs()).toEqual(['clip.mp4']);

    const replaced = await bivdiff('render', '--json', '--quiet', ...flags, '--overwrite');
    expect(jsonOf(replaced)).toMatchObject({ tasks: { run: 0 } });
    expect((await readFile(output)).subarray(4, 8).toString()).toBe('ftyp');
    // The same bytes again are no reason to refuse.
    expect((await bivdiff('render', '--quiet', ...flags)).code).toBe(0);
  });

  it('because the disk is full, leaves nothing', async () => {
    await using place = await createWorkplace();
    const output = place.path('out', 'clip.mp4');
    const flags = tinyFlags(place, { output });
    // A limit on the size of files is as good as a full disk: the write fails half-way.
    const script = 'ulimit -f 1; exec "$0" "$@"';
    const words = ['-c', script, process.execPath, MAIN, 'render', '--quiet', ...flags];
    const run = await endOfCli(spawn('bash', words, { stdio: ['ignore', 'pipe', 'pipe'] }));
    expectOneError(run, /error: /, 1);
    expect(run.stderr).toMatch(/EFBIG|file too large|no room|full/i);
    expect(await place.outputs()).toEqual([]);
  });
});
