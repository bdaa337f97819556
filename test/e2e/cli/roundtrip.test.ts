// Goal: roundtrip writes exactly the frames that are asked for, at the source's size and rate, all or nothing, in flat memory. Method: the
// real program; frames bear their index as blocks that are read back from what was written.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { createMediaService } from '../../../workers/media/media-service.ts';
import { casesOf } from '../../support/thorough.ts';
import { endOfCli } from '../../support/cli-process.ts';
import { indexPicture, indicesIn } from '../../support/media/index-pictures.ts';
import { soundFile, soundOfFile } from '../../support/media/sound-packets.ts';
import { FIXTURES, MAIN, bivdiff, createWorkplace, jsonOf } from './workplace.ts';

const CLIP = join(FIXTURES, 'b-frames.mp4');

await using media = createMediaService();

interface Report {
  readonly output: { readonly bytes: number; readonly sha256: string } & Record<string, unknown>;
}

describe('what a roundtrip writes', () => {
  it('are all frames at the size and rate of the source, where no flag says else', async () => {
    await using place = await createWorkplace();
    const output = place.path('out', 'clip.mp4');
    const run = await bivdiff('roundtrip', CLIP, output);
    expect(run.code, run.stderr).toBe(0);
    const [source, written] = [await media.probe(CLIP), await media.probe(output)];
    const { frames, width, height, framesPerSecond } = source;
    expect(written).toMatchObject({ frames, width, height, framesPerSecond });
    expect(await indicesIn(media, output)).toEqual(await indicesIn(media, CLIP));
    const bytes = await readFile(output);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(run.stdout).toMatch(
      new RegExp(
        `^${frames} frames of ${width}x${height} at .* KiB, sha256 ${sha256}: .*clip.mp4\n$`,
      ),
    );
    expect(await place.outputs()).toEqual(['clip.mp4']);
  });

  it('are the frames that --start, --stride and --frames name', async () => {
    await using place = await createWorkplace();
    const flags = ['--start', '1', '--stride', '3', '--frames', '3', '--json', '--quiet'];
    for (const name of ['frames/', 'clip.webm', 'clip.mp4']) {
      const output = place.path('out', name);
      const run = await bivdiff('roundtrip', CLIP, output, ...flags);
      expect(run, run.stderr).toMatchObject({ code: 0, stderr: '' });
      expect(await indicesIn(media, output)).toEqual([1, 4, 7]);
      expect(jsonOf(run)).toMatchObject({
        kind: 'bivdiff-roundtrip',
        source: { path: CLIP },
        taken: { frames: 3, start: 1, stride: 3, resize: 'stretch' },
        output: { frames: 3, path: expect.stringContaining('out') as string },
      });
    }
    expect(await readdir(place.path('out', 'frames'))).toEqual([
      'frame-000001.png',
      'frame-000002.png',
      'frame-000003.png',
    ]);
  });

  it('is a folder whose digest is that of the list that sha256sum prints', async () => {
    await using place = await createWorkplace();
    const folder = place.path('out', 'frames');
    const run = await bivdiff('roundtrip', CLIP, `${folder}/`, '--frames', '2', '--json');
    const names = await readdir(folder);
    const lines = await Promise.all(
      names.map(async (name) => {
        const bytes = await readFile(join(folder, name));
        return `${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`;
      }),
    );
    const digest = createHash('sha256').update(lines.join('')).digest('hex');
    expect(jsonOf<Report>(run).output.sha256).toBe(digest);
    expect(jsonOf<Report>(run).output).not.toHaveProperty('framesPerSecond');
  });

  it('has the size, shape, format and rate that flags ask for', async () => {
    await using place = await createWorkplace();
    const output = place.path('out', 'clip.gif');
    const flags = ['--size', '48x48', '--resize', 'contain', '--fps', '10', '--format', 'gif'];
    const run = await bivdiff('roundtrip', CLIP, output, ...flags);
    expect(run.code, run.stderr).toBe(0);
    const facts = await media.probe(output);
    expect(facts).toMatchObject({ codec: 'gif', width: 48, height: 48, framesPerSecond: 10 });
  });

  it('goes the right way up, and says what was done', async () => {
    await using place = await createWorkplace();
    const output = place.path('out', 'clip.mp4');
    const run = await bivdiff('roundtrip', join(FIXTURES, 'rotated-90.mp4'), output);
    expect(run.stderr).toMatch(/^way up: turned 90° clockwise$/m);
    expect(await media.probe(output)).toMatchObject({ width: 48, height: 64, rotation: 0 });
  });

  it('from pictures has 8 frames a second', async () => {
    await using place = await createWorkplace();
    await bivdiff('roundtrip', CLIP, place.path('frames/'), '--frames', '5', '--quiet');
    const output = place.path('out', 'clip.mp4');
    const run = await bivdiff('roundtrip', place.path('frames'), output);
    expect(run.code, run.stderr).toBe(0);
    expect(await media.probe(output)).toMatchObject({ frames: 5, framesPerSecond: 8 });
    expect(await indicesIn(media, output)).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('with --audio keep', () => {
  it('has the packets of the source, all or of the frames that are taken', async () => {
    await using place = await createWorkplace();
    const source = (await soundOfFile(soundFile('aac.mp4')))!.packets;
    const bytesOf = (packets: typeof source): string[] => packets.map(({ bytes }) => bytes);
    const whole = place.path('out', 'whole.mp4');
    const run = await bivdiff('roundtrip', soundFile('aac.mp4'), whole, '--audio', 'keep');
    expect(run.code, run.stderr).toBe(0);
    expect(run.stderr).toMatch(/^sound: kept$/m);
    expect((await soundOfFile(whole))!.packets).toEqual(source);
    const part = place.path('out', 'part.mp4');
    const flags = ['--start', '6', '--frames', '12', '--audio', 'keep', '--quiet'];
    const cut = await bivdiff('roundtrip', soundFile('aac.mp4'), part, ...flags);
    expect(cut.code, cut.stderr).toBe(0);
    const sounding = source.filter(({ begin, end }) => end > 0.5 && begin < 1.5);
    const { packets } = (await soundOfFile(part))!;
    expect(bytesOf(packets.slice(1))).toEqual(bytesOf(sounding));
    expect(packets.at(-1)!.end).toBeCloseTo(1, 3);
    const silent = await bivdiff(
      'roundtrip',
      soundFile('aac.mp4'),
      place.path('out', 'silent.mp4'),
    );
    expect(silent.stderr).toMatch(/^sound: left out$/m);
    expect(await soundOfFile(place.path('out', 'silent.mp4'))).toBeUndefined();
  });

  it('is refused with all that stands against it at once', async () => {
    await using place = await createWorkplace();
    const flags = ['--audio', 'keep', '--stride', '2', '--fps', '10', '--quiet'];
    const run = await bivdiff('roundtrip', soundFile('aac.mp4'), place.path('out/a.gif'), ...flags);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(
      /^error: 3 problems:\n.*--stride: 2, .*\n.*OUT: gif has no place for sound; .*\n.*--fps: 10, .*; choose 12\n/,
    );
    const none = await bivdiff('roundtrip', CLIP, place.path('out', 'a.mp4'), '--audio', 'keep');
    expect(none.stderr).toMatch(/^error: --audio: .*b-frames\.mp4 has no sound that could be kept/);
    expect(await place.outputs()).toEqual([]);
  });
});

describe('a roundtrip that cannot be', () => {
  const of = (input: string, name: string, ...flags: string[]): string[] => [input, name, ...flags];
  const refused: readonly [string, readonly string[], RegExp][] = [
    ['too many frames', of(CLIP, 'a.mp4', '--frames', '99'), /--frames: .*b-frames\.mp4 has \d+/],
    ['a start past the end', of(CLIP, 'a.mp4', '--start', '500'), /--start: 500 .* has \d+ frames/],
    ['a size that is none', of(CLIP, 'a.mp4', '--size', '64'), /--size: expected WIDTHxHEIGHT/],
    ['a rate that is none', of(CLIP, 'a.mp4', '--fps', '0'), /--fps: expected above 0, up to 120/],
    ['a rate GIF has not', of(CLIP, 'a.gif', '--fps', '60'), /--fps: 60 cannot be written: GIF/],
    [
      'a GIF too large',
      of(CLIP, 'a.gif', '--size', '8192x8192'),
      /^error: OUT: .*GIF is made in memory/,
    ],
    ['a word that is none', of(CLIP, 'a.mp4', '--resize', 'contian'), /did you mean contain\?/],
    ['an unknown ending', of(CLIP, 'a.xyz'), /^error: OUT: no format is known for .*a\.xyz/],
    [
      'a name of another format',
      of(CLIP, 'a.webm', '--format', 'mp4'),
      /^error: OUT: .*a\.webm does not end in \.mp4/,
    ],
    ['no source', of('none.mp4', 'a.mp4'), /none\.mp4: no such file/],
    ['a cut source', of(join(FIXTURES, 'truncated.mp4'), 'a.mp4'), /truncated\.mp4 is truncated/],
    ['a text', of(join(FIXTURES, 'text.mp4'), 'a.mp4'), /text\.mp4 is not a video/],
  ];
  // The first as a frame too many is, the second as a render's source, the third in output-places.test.ts.
  const left = ['a start past the end', 'a text', 'a name of another format'];

  it.each(casesOf(refused, ([name]) => !left.includes(name)))(
    'because of %s, is refused with one error',
    async (_, [input, name, ...flags], message) => {
      await using place = await createWorkplace();
      const run = await bivdiff('roundtrip', input!, place.path('out', name!), ...flags, '--quiet');
      expect(run.code, run.stderr).toBe(2);
      expect(run.stdout).toBe('');
      expect(run.stderr).toMatch(message);
      expect(run.stderr.match(/^error: /gm)).toHaveLength(1);
      expect(run.stderr).not.toMatch(/^\s+at /m);
      expect(run.stderr).not.toMatch(/--output|--input/);
      expect(await place.outputs()).toEqual([]);
    },
  );

  it('at the rate of the source, says that the rate is its own', async () => {
    await using place = await createWorkplace();
    const fast = place.path('fast.mp4');
    const size = { width: 64, height: 48 };
    const frames = [0, 1, 2].map((index) => indexPicture(index, size));
    await media.encode({ path: fast, format: 'mp4', framesPerSecond: 120, ...size }, frames);
    const run = await bivdiff('roundtrip', fast, place.path('out', 'a.gif'), '--quiet');
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(
      /^error: the source's rate of 120 frames per second cannot be written: GIF takes .*; --fps chooses another\n/,
    );
    const chosen = await bivdiff('roundtrip', fast, place.path('a.gif'), '--fps', '50');
    expect(chosen.code, chosen.stderr).toBe(0);
  });

  it('of the size of the source, says that the size is its own', async () => {
    await using place = await createWorkplace();
    const small = place.path('small.mp4');
    const size = { width: 16, height: 16 };
    const frames = [0, 1].map((index) => indexPicture(index, size));
    await media.encode({ path: small, format: 'mp4', framesPerSecond: 8, ...size }, frames);
    const output = place.path('out', 'a.mp4');
    const run = await bivdiff('roundtrip', small, output, '--format', 'mp4-hevc', '--quiet');
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/: the source's frames of 16x16 are too small: .*; --size chooses/);
  });

  it('because the output exists, leaves it as it is, until --overwrite', async () => {
    await using place = await createWorkplace();
    const output = place.path('out', 'clip.mp4');
    await mkdir(place.path('out'));
    await writeFile(output, 'mine');
    const refused = await bivdiff('roundtrip', CLIP, output);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/clip\.mp4 exists\nhint: Add --overwrite/);
    expect(await readFile(output, 'utf8')).toBe('mine');
    const replaced = await bivdiff('roundtrip', CLIP, output, '--overwrite');
    expect(replaced.code, replaced.stderr).toBe(0);
    expect((await readFile(output)).subarray(4, 8).toString()).toBe('ftyp');
    expect(await place.outputs()).toEqual(['clip.mp4']);
  });

  it('because the output is the source, leaves that alone', async () => {
    const run = await bivdiff('roundtrip', CLIP, CLIP, '--overwrite');
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/^error: OUT: .* is the source, which an output shall not replace/);
  });

  it('because the disk is full, leaves nothing', async () => {
    await using place = await createWorkplace();
    const words = ['roundtrip', CLIP, place.path('out', 'frames/'), '--size', '512x512'];
    const script = 'ulimit -f 1; exec "$0" "$@"';
    const child = spawn('bash', ['-c', script, process.execPath, MAIN, ...words]);
    const run = await endOfCli(child);
    expect(run.code, run.stderr).toBe(1);
    expect(run.stderr).toMatch(/EFBIG|file too large|no room|full/i);
    expect(await place.outputs()).toEqual([]);
  });
});
