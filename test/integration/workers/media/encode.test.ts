// Do written videos hold the frames they were made of, with true colours and the same bytes every time? Written by a real
// media process, read back by another.

import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMediaService } from '../../../../workers/media/media-service.ts';
import type { RgbImage } from '../../../../workers/media/media-types.ts';
import { withAlpha } from '../../../../workers/media/pixels/alpha.ts';
import {
  keepsAlpha,
  MOVIE_FILES,
  MOVIE_FORMATS,
} from '../../../../common/outputs/output-formats.ts';
import type { MovieFormat } from '../../../../common/outputs/output-formats.ts';
import {
  cloth,
  collect,
  meanError,
  movingDisc,
  patchError,
  patches,
  psnr,
} from '../../../support/media/clips.ts';

const media = createMediaService();
let folder = '';
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bivdiff-encode-'));
});
afterAll(async () => {
  await media.close();
  await rm(folder, { recursive: true, force: true });
});

async function write(format: MovieFormat, frames: readonly RgbImage[], framesPerSecond = 8) {
  const file = path.join(folder, `clip-${files++}${MOVIE_FILES[format].ending}`);
  const { width, height } = frames[0]!;
  const pixels = frames.map((frame) => frame.rgb);
  const facts = await media.encode({ path: file, format, width, height, framesPerSecond }, pixels);
  return { file, facts };
}

async function readAll(file: string): Promise<RgbImage[]> {
  const facts = await media.probe(file);
  const size = { width: facts.width, height: facts.height };
  const indices = [...Array(facts.frames).keys()];
  const frames = await collect(media.decode({ path: file, indices, size, resize: 'stretch' }));
  return frames.map((frame) => ({ ...size, rgb: frame.rgb }));
}

const SIZE = { width: 128, height: 96 };
const disc = (count: number) => Array.from({ length: count }, (_, i) => movingDisc(i, SIZE));

const LOSSLESS = ['mkv'];

describe.each(MOVIE_FORMATS)('%s', (format) => {
  test('holds every frame, at its rate, close to what went in', async () => {
    const frames = disc(20);
    const { file, facts } = await write(format, frames);
    expect(facts).toMatchObject({ frames: 20, ...SIZE, bytes: (await stat(file)).size });
    expect(await media.probe(file)).toMatchObject({
      frames: 20,
      framesPerSecond: 8,
      durationSeconds: 2.5,
      ...SIZE,
    });
    const read = await readAll(file);
    if (LOSSLESS.includes(format)) expect(read).toEqual(frames);
    const quality = read.map((frame, i) => psnr(frame, frames[i]!));
    expect(Math.min(...quality)).toBeGreaterThan(40);
  });

  test('keeps saturated colours within 2 levels', async () => {
    const { file } = await write(format, [patches(SIZE), patches(SIZE)]);
    for (const frame of await readAll(file)) expect(patchError(frame)).toBeLessThanOrEqual(2);
  });

  test('puts chroma where the reader looks for it: a ramp comes back a ramp', async () => {
    const [ramp] = (await write(format, [colourRamp(), colourRamp()]).then(({ file }) =>
      readAll(file),
    )) as [RgbImage];
    expect(meanError(ramp, colourRamp())).toBeLessThan(format === 'gif' ? 3 : 1);
  });

  test('has the same bytes every time, on an idle machine and on a busy one', async () => {
    const digest = async () => {
      const { file } = await write(format, disc(10));
      return createHash('sha256')
        .update(await readFile(file))
        .digest('hex');
    };
    const first = await digest();
    expect(await digest()).toBe(first);
    const spin = 'for (let i = 0; ; i++) Math.sqrt(i)';
    const load = [1, 2, 3].map(() => new Worker(spin, { eval: true }));
    try {
      expect(await digest()).toBe(first);
    } finally {
      await Promise.all(load.map((worker) => worker.terminate()));
    }
  });

  test('keeps odd sizes, or grows them by one copied row and column', async () => {
    const odd = { width: 127, height: 95 };
    const frames = [movingDisc(0, odd), movingDisc(1, odd)];
    const { file, facts } = await write(format, frames);
    const grows = ['mp4', 'mp4-hevc'].includes(format);
    const size = grows ? SIZE : odd;
    expect(facts).toMatchObject(size);
    expect(await media.probe(file)).toMatchObject({ ...size, frames: 2 });
    const [first] = await readAll(file);
    expect(psnr(cut(first!, odd), frames[0]!)).toBeGreaterThan(38);
    if (!grows) return;
    for (const [x, y] of [
      [127, 40],
      [60, 95],
      [127, 95],
    ] as const) {
      const edge = pixelOf(frames[0]!, Math.min(x, 126), Math.min(y, 94));
      pixelOf(first!, x, y).forEach((value, c) => {
        expect(Math.abs(value - edge[c]!), `${x}, ${y}`).toBeLessThanOrEqual(4);
      });
    }
  });
});

test('H.264 is above 45 dB on drawn shapes and above 40 on woven cloth with grain', async () => {
  const size = { width: 512, height: 384 };
  for (const [draw, least] of [
    [movingDisc, 45],
    [cloth, 40],
  ] as const) {
    const frames = Array.from({ length: 6 }, (_, i) => draw(i, size));
    const read = await readAll((await write('mp4', frames, 24)).file);
    expect(Math.min(...read.map((frame, i) => psnr(frame, frames[i]!)))).toBeGreaterThan(least);
  }
});

describe('ten generations', () => {
  const generations = async (format: MovieFormat) => {
    const source = Array.from({ length: 4 }, (_, i) => cloth(i, SIZE));
    let frames: RgbImage[] = source;
    const errors: number[] = [];
    for (let i = 0; i < 10; i++) {
      frames = await readAll((await write(format, frames)).file);
      errors.push(Math.max(...frames.map((frame, at) => meanError(frame, source[at]!))));
    }
    return errors;
  };

  test('through H.264 keep the mean error under one code value a generation', async () => {
    const errors = await generations('mp4');
    errors.forEach((error, i) => expect(error, `generation ${i + 1}`).toBeLessThan(i + 1));
  });

  test('through FFV1 change nothing', async () => {
    expect(await generations('mkv')).toEqual(Array(10).fill(0));
  });
});

function colourRamp(): RgbImage {
  const { width, height } = SIZE;
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) rgb.set([i % width, 96, 250 - (i % width)], i * 3);
  return { width, height, rgb };
}

function pixelOf({ rgb, width }: RgbImage, x: number, y: number): readonly number[] {
  return [...rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

function cut(image: RgbImage, size: { width: number; height: number }): RgbImage {
  const rgb = new Uint8Array(size.width * size.height * 3);
  for (let y = 0; y < size.height; y++) {
    const from = y * image.width * 3;
    rgb.set(image.rgb.subarray(from, from + size.width * 3), y * size.width * 3);
  }
  return { ...size, rgb };
}

test.each(['mp4', 'gif'] as const)('writes %s under a name of 255 bytes', async (format) => {
  for (const stem of ['n'.repeat(251), `${'ö'.repeat(125)}n`]) {
    const place = path.join(folder, `${stem}.${format}`);
    const frames = disc(2).map(({ rgb }) => rgb);
    await media.encode({ path: place, format, framesPerSecond: 8, ...SIZE }, frames);
    expect(await media.probe(place)).toMatchObject({ frames: 2 });
    await rm(place);
  }
});

describe('refuses', () => {
  const request = { format: 'mp4', framesPerSecond: 8, ...SIZE } as const;
  const target = (name: string) => path.join(folder, name);
  const frame = disc(1)[0]!.rgb;
  const unfinished = async () =>
    (await readdir(folder)).filter((name) => !/^clip-\d+\.\w+$/.test(name));

  test('a path that is taken', async () => {
    const { file } = await write('mp4', disc(2));
    await expect(media.encode({ ...request, path: file }, [frame])).rejects.toMatchObject({
      code: 'already-exists',
    });
  });

  test.each([0, -1, 1000, Number.NaN])('%d frames a second', async (framesPerSecond) => {
    const asked = media.encode({ ...request, path: target('rate.mp4'), framesPerSecond }, [frame]);
    await expect(asked).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  test('no frames, and frames of another size; neither leaves anything behind', async () => {
    const none = media.encode({ ...request, path: target('none.mp4') }, []);
    await expect(none).rejects.toThrow('there are no frames');
    const wrong = media.encode({ ...request, path: target('wrong.mp4') }, [
      frame,
      frame.subarray(3),
    ]);
    await expect(wrong).rejects.toThrow('frame 1 has');
    expect(await unfinished()).toEqual([]);
  });

  test('to go on when it is aborted, and leaves nothing behind', async () => {
    const abort = new AbortController();
    const endless = function* () {
      for (let i = 0; ; i++) {
        if (i === 30) abort.abort();
        yield frame;
      }
    };
    const options = { signal: abort.signal };
    const asked = media.encode({ ...request, path: target('aborted.mp4') }, endless(), options);
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
    expect(await unfinished()).toEqual([]);
  });

  test('a folder that is not there', async () => {
    const lost = media.encode({ ...request, path: target('nowhere/clip.mp4') }, [frame]);
    await expect(lost).rejects.toMatchObject({ code: 'not-found' });
  });
});

test.each(MOVIE_FORMATS.filter(keepsAlpha))('keeps alpha in %s', async (format) => {
  const { width, height } = SIZE;
  const rgba = disc(3).map(({ rgb }, frame) =>
    withAlpha({ rgb, ...SIZE }, new Uint8Array(width * height).fill(85 * (frame + 1))),
  );
  const file = path.join(folder, `alpha-${format}${MOVIE_FILES[format].ending}`);
  const request = { path: file, format, width, height, framesPerSecond: 8, channels: 4 } as const;
  await media.encode(
    request,
    rgba.map((frame) => frame.rgb),
  );
  const pixelFormat = { mov: /^yuva444p1[02]le$/, mkv: /^bgra$/ }[format as string];
  const facts = await media.probe(file);
  expect(facts).toMatchObject({ alpha: true, frames: 3 });
  if (pixelFormat !== undefined) expect(facts.pixelFormat).toMatch(pixelFormat);
  const asked = { path: file, indices: [0, 1, 2], size: SIZE, resize: 'stretch' } as const;
  const kept = await collect(media.decode({ ...asked, keepAlpha: true }));
  for (const [frame, { rgb, channels }] of kept.entries()) {
    expect(channels).toBe(4);
    const alpha = rgb.filter((_, i) => i % 4 === 3);
    // ProRes keeps alpha in more bits, and comes back within one.
    const furthest = alpha.reduce((most, a) => Math.max(most, Math.abs(a - 85 * (frame + 1))), 0);
    expect(furthest).toBeLessThanOrEqual(LOSSLESS.includes(format) ? 0 : 1);
  }
});

test.each(MOVIE_FORMATS.filter((format) => !keepsAlpha(format)))(
  'refuses alpha in %s',
  async (format) => {
    const request = { path: path.join(folder, `no-alpha.${format}`), format, ...SIZE } as const;
    const asked = media.encode({ ...request, framesPerSecond: 8, channels: 4 }, []);
    await expect(asked).rejects.toMatchObject({ code: 'invalid-argument' });
  },
);
