// Do the right frames come out, by index, of every container and codec that is read? Real files, a real media process.

import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMediaService } from '../../../../workers/media/media-service.ts';
import { encodePng } from '../../../../workers/media/pixels/png.ts';
import {
  collect,
  fixture,
  movingDisc,
  patchError,
  psnr,
  readIndex,
} from '../../../support/media/clips.ts';

const media = createMediaService();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bivdiff-decode-'));
});
afterAll(async () => {
  await media.close();
  await rm(folder, { recursive: true, force: true });
});

const CLIPS = [
  { name: 'b-frames.mp4', frames: 40, width: 64, height: 48 },
  { name: 'b-frames.mkv', frames: 40, width: 64, height: 48 },
  { name: 'b-frames.mov', frames: 12, width: 64, height: 48 },
  { name: 'open-gop.mp4', frames: 40, width: 64, height: 48 },
  { name: 'sound.mp4', frames: 12, width: 64, height: 48 },
  { name: 'variable-rate.mp4', frames: 12, width: 64, height: 48 },
  { name: 'odd-size.mp4', frames: 12, width: 127, height: 95 },
  { name: 'odd-size.webm', frames: 12, width: 127, height: 95 },
  { name: 'vp9.webm', frames: 40, width: 64, height: 48 },
  { name: 'vp8.webm', frames: 12, width: 64, height: 48 },
  { name: 'ten-bit.mp4', frames: 12, width: 64, height: 48 },
  { name: 'mpeg4-part-2.mp4', frames: 4, width: 64, height: 48 },
  { name: 'clip.gif', frames: 10, width: 64, height: 48 },
] as const;

describe.each(CLIPS)('$name', ({ name, frames, width, height }) => {
  const size = { width, height };
  const decode = (indices: readonly number[]) =>
    collect(media.decode({ path: fixture(name), indices, size, resize: 'stretch' }));

  test('is probed: exact frame count and size', async () => {
    expect(await media.probe(fixture(name))).toMatchObject({ frames, width, height, rotation: 0 });
  });

  test('gives every frame in display order', async () => {
    const all = await decode([...Array(frames).keys()]);
    expect(all.map((frame) => readIndex({ ...size, rgb: frame.rgb }))).toEqual(
      all.map((frame) => frame.index),
    );
    expect(all).toHaveLength(frames);
  });

  test('gives the same pixels for a frame whether or not those before it are decoded', async () => {
    const all = await decode([...Array(frames).keys()]);
    for (let index = 0; index < frames; index += 3) {
      const [alone] = await decode([index]);
      expect(alone).toEqual(all[index]);
    }
  });
});

test('tells a variable frame rate from a steady one, and goes by index in both', async () => {
  const steady = await media.probe(fixture('b-frames.mp4'));
  expect(steady).toMatchObject({ variableFrameRate: false, framesPerSecond: 12 });
  expect(steady.durationSeconds).toBeCloseTo(40 / 12, 3);
  const varying = await media.probe(fixture('variable-rate.mp4'));
  expect(varying).toMatchObject({ variableFrameRate: true });
  expect(varying.durationSeconds).toBeCloseTo(2, 3);
});

test('turns a clip upright as its display matrix says', async () => {
  const facts = await media.probe(fixture('rotated-90.mp4'));
  expect(facts).toMatchObject({ rotation: 90, width: 48, height: 64, frames: 12 });
  const request = { indices: [5], resize: 'stretch' } as const;
  const [turned] = await collect(
    media.decode({ ...request, path: fixture('rotated-90.mp4'), size: { width: 48, height: 64 } }),
  );
  const [flat] = await collect(
    media.decode({ ...request, path: fixture('sound.mp4'), size: { width: 64, height: 48 } }),
  );
  // Clockwise: the left column's lowest pixel becomes the top row's first.
  for (let y = 0; y < 48; y++) {
    const flatPixel = flat!.rgb.subarray(y * 64 * 3, y * 64 * 3 + 3);
    const column = 47 - y;
    expect(turned!.rgb.subarray(column * 3, column * 3 + 3)).toEqual(flatPixel);
  }
});

test.each(['bt601.mp4', 'bt709.mp4', 'bt709-full-range.mp4', 'untagged.mp4'])(
  'gives true colours from %s',
  async (name) => {
    const size = { width: 96, height: 64 };
    const [frame] = await collect(
      media.decode({ path: fixture(name), indices: [1], size, resize: 'stretch' }),
    );
    expect(patchError({ ...size, rgb: frame!.rgb })).toBeLessThanOrEqual(2);
  },
);

test('reads a folder of pictures in the order of their numbers', async () => {
  const pictures = path.join(folder, 'pictures');
  await mkdir(pictures);
  const size = { width: 32, height: 24 };
  for (const number of [1, 2, 10, 11]) {
    await writeFile(
      path.join(pictures, `frame-${number}.png`),
      await encodePng({ ...size, rgb: new Uint8Array(32 * 24 * 3).fill(number * 20) }),
    );
  }
  await writeFile(path.join(pictures, 'notes.txt'), 'no picture');
  expect(await media.probe(pictures)).toMatchObject({
    container: 'image-folder',
    frames: 4,
    ...size,
  });
  const frames = await collect(
    media.decode({ path: pictures, indices: [0, 1, 2, 3], size, resize: 'stretch' }),
  );
  expect(frames.map((frame) => frame.rgb[0])).toEqual([20, 40, 200, 220]);
});

test('reads a single picture as one frame, its alpha laid over black', async () => {
  const size = { width: 64, height: 48 };
  const still = fixture('alpha.png');
  expect(await media.probe(still)).toMatchObject({ container: 'image', frames: 1, ...size });
  const [frame] = await collect(
    media.decode({ path: still, indices: [0], size, resize: 'stretch' }),
  );
  const pixel = (x: number, y: number) => [
    ...frame!.rgb.subarray((y * 64 + x) * 3, (y * 64 + x) * 3 + 3),
  ];
  expect(pixel(30, 44)).toEqual([40, 70, 150]);
  expect(pixel(40, 44)).toEqual([0, 0, 0]);
});

describe('resizing', () => {
  const size = { width: 32, height: 32 };
  const first = async (resize: 'stretch' | 'cover' | 'contain') => {
    const frames = await collect(
      media.decode({ path: fixture('b-frames.mp4'), indices: [3], size, resize }),
    );
    return frames[0]!.rgb;
  };

  test('contain leaves black bars, stretch and cover none', async () => {
    const top = (rgb: Uint8Array) => Math.max(...rgb.subarray(0, 3 * 32));
    expect(top(await first('contain'))).toBe(0);
    // The last two blocks of index 3 are white and reach to the right border when stretched.
    expect((await first('stretch'))[3 * 30]).toBeGreaterThan(200);
    expect(await first('cover')).not.toEqual(await first('stretch'));
  });

  test('gives the same bytes every time', async () => {
    const once = await first('stretch');
    for (let i = 0; i < 3; i++) expect(await first('stretch')).toEqual(once);
  });

  test('keeps the picture: half the size of a smooth clip and back is close to it', async () => {
    const image = movingDisc(0, { width: 128, height: 128 });
    const file = path.join(folder, 'disc.png');
    await writeFile(file, await encodePng(image));
    const half = { width: 64, height: 64 };
    const [small] = await collect(
      media.decode({ path: file, indices: [0], size: half, resize: 'stretch' }),
    );
    const smallFile = path.join(folder, 'small.png');
    await writeFile(smallFile, await encodePng({ ...half, rgb: small!.rgb }));
    const [large] = await collect(
      media.decode({ path: smallFile, indices: [0], size: image, resize: 'stretch' }),
    );
    expect(psnr({ ...image, rgb: large!.rgb }, image)).toBeGreaterThan(33);
  });
});

test('reads a file by its content, whatever its name says', async () => {
  const misnamed = path.join(folder, 'clip.png');
  await copyFile(fixture('vp9.webm'), misnamed);
  expect(await media.probe(misnamed)).toMatchObject({ container: 'matroska', frames: 40 });
});
