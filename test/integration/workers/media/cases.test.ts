// Files like those that people sent in: each was once read wrong, or refused. Real files, a real media process.

import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMediaService } from '../../../../workers/media/media-service.ts';
import type { FrameSize } from '../../../../workers/media/media-types.ts';
import { caseFile, referencePicture } from '../../../support/media/cases.ts';
import { collect, psnr } from '../../../support/media/clips.ts';

const media = createMediaService();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bivdiff-cases-'));
});
afterAll(async () => {
  await media.close();
  await rm(folder, { recursive: true, force: true });
});

async function decode(
  file: string,
  indices: readonly number[],
  size: FrameSize,
): Promise<Uint8Array[]> {
  const frames = await collect(media.decode({ path: file, indices, size, resize: 'stretch' }));
  expect(frames.map(({ index }) => index)).toEqual(indices);
  return frames.map(({ rgb }) => rgb);
}

/** A wrong frame or turn gives 6 to 13. Between sharp coloured edges chroma is a matter of how one interpolates, so these are no 50. */
const SAME_PICTURE_DB = 24;
const SAME_FLAT_PICTURE_DB = 30;

describe.each([
  { name: 'mirrored-selfie.mp4', frames: 24, width: 160, height: 96, mirrored: true },
  { name: 'rotated.mkv', frames: 24, width: 96, height: 160, rotation: 90 },
  { name: 'editlist-start.mp4', frames: 15, width: 160, height: 96 },
  { name: 'rgb-h264.mp4', frames: 8, width: 128, height: 96 },
  { name: 'full-range-422.mp4', frames: 8, width: 128, height: 96 },
  { name: 'grey-hevc.mp4', frames: 8, width: 128, height: 96, db: SAME_FLAT_PICTURE_DB },
  { name: 'anamorphic-sar-2-1.mp4', frames: 24, width: 320, height: 96, storedWidth: 160 },
  { name: 'cover-art-before-video.mp4', frames: 24, width: 160, height: 96 },
  { name: 'bytes-after-the-last-box.mp4', frames: 24, width: 160, height: 96 },
  { name: 'starts-without-keyframe.mkv', frames: 18, width: 160, height: 96 },
])(
  '$name',
  ({ name, frames, width, height, storedWidth = width, db = SAME_PICTURE_DB, ...way }) => {
    const file = caseFile(`reported/${name}`);

    test('is probed: frames, size, turn', async () => {
      const { rotation = 0, mirrored = false } = way;
      const expected = { frames, width, height, rotation, mirrored };
      expect(await media.probe(file)).toMatchObject(expected);
    });

    test('begins with the frame that ffmpeg shows first', async () => {
      const size = { width: storedWidth, height };
      const [first] = await decode(file, [0], size);
      const reference = await referencePicture(`reported/${name}`, 'frame-0');
      expect(reference).toMatchObject(size);
      expect(psnr({ ...size, rgb: first! }, reference)).toBeGreaterThan(db);
    });

    test('gives as many frames as it is said to have', async () => {
      const indices = [...Array(frames).keys()];
      expect(await decode(file, indices, { width: storedWidth, height })).toHaveLength(frames);
    });
  },
);

function pixelOf(rgb: Uint8Array, at: { x: number; y: number; width: number }): number[] {
  const start = (at.y * at.width + at.x) * 3;
  return [...rgb.subarray(start, start + 3)];
}

/** The largest difference of a channel. */
function distance(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
}

test.each(['rgb-h264.mp4', 'full-range-422.mp4'])(
  'gives the two flat colours of %s in every frame',
  async (name) => {
    const size = { width: 128, height: 96 };
    const all = await decode(caseFile(`reported/${name}`), [...Array(8).keys()], size);
    for (const rgb of all) {
      expect(distance(pixelOf(rgb, { x: 100, y: 80, width: 128 }), [192, 64, 32])).toBeLessThan(4);
      expect(distance(pixelOf(rgb, { x: 20, y: 20, width: 128 }), [32, 160, 224])).toBeLessThan(4);
    }
  },
);

test('gives grey frames from grey HEVC', async () => {
  const size = { width: 128, height: 96 };
  const [rgb] = await decode(caseFile('reported/grey-hevc.mp4'), [3], size);
  for (const [x, y] of [
    [100, 80],
    [20, 20],
  ] as const) {
    const [r, g, b] = pixelOf(rgb!, { x, y, width: 128 });
    expect([g, b]).toEqual([r, r]);
  }
});

test('gives the cyan bar of a clip in SMPTE 240M', async () => {
  const size = { width: 96, height: 64 };
  const file = caseFile('reported/smpte-240m.mp4');
  expect(await media.probe(file)).toMatchObject({ frames: 8, colour: { matrix: 'smpte240m' } });
  const [rgb] = await decode(file, [0], size);
  // In the upper half: white, yellow, cyan and so on, twelve columns each.
  expect(distance(pixelOf(rgb!, { x: 30, y: 12, width: 96 }), [0, 255, 255])).toBeLessThan(4);
});

test('lays a clip whose pixels are twice as wide as high into a square as it is shown', async () => {
  const size = { width: 128, height: 128 };
  const request = { path: caseFile('reported/anamorphic-sar-2-1.mp4'), indices: [0], size };
  const [frame] = await collect(media.decode({ ...request, resize: 'contain' }));
  const rows = Array.from({ length: 128 }, (_, y) =>
    frame!.rgb.subarray(y * 128 * 3, (y + 1) * 128 * 3).some((value) => value > 0),
  );
  expect([rows.indexOf(true), rows.lastIndexOf(true)]).toEqual([45, 82]);
});

test('gives the same frames of a clip with intra refresh from any start', async () => {
  const file = caseFile('reported/intra-refresh-h264.mp4');
  const size = { width: 96, height: 64 };
  expect(await media.probe(file)).toMatchObject({ frames: 60, ...size });
  const all = await decode(file, [...Array(60).keys()], size);
  for (let start = 0; start < 57; start++) {
    const indices = [0, 1, 2, 3].map((i) => start + i);
    expect(await decode(file, indices, size), `from ${start}`).toEqual(all.slice(start, start + 4));
  }
});

describe('a folder whose pictures are partly links', () => {
  const frames = caseFile('reported/frames');
  const RED = [255, 0, 0];
  const LIME = [0, 255, 0];
  const BLUE = [0, 0, 255];
  const WHITE = [255, 255, 255];

  test.each([
    ['half', ['f_2.png', 'f_4.png']],
    ['all', ['f_1.png', 'f_2.png', 'f_3.png', 'f_4.png']],
  ])('%s of them: has all four, in order', async (name, linked) => {
    const linking = path.join(folder, name);
    await mkdir(linking);
    for (const picture of ['f_1.png', 'f_2.png', 'f_3.png', 'f_4.png']) {
      const target = path.join(frames, picture);
      const link = path.join(linking, picture);
      await (linked.includes(picture)
        ? symlink(path.relative(linking, target), link)
        : copyFile(target, link));
    }
    await writeFile(path.join(linking, 'notes.txt'), 'no picture');
    const size = { width: 32, height: 32 };
    expect(await media.probe(linking)).toMatchObject({ frames: 4, ...size });
    const all = await decode(linking, [0, 1, 2, 3], size);
    const colours = all.map((rgb) => [...rgb.subarray(0, 3)]);
    expect(colours).toEqual([RED, LIME, BLUE, WHITE]);
  });
});
