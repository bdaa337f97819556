// Do written videos say what they are: codec, four colour tags, exact rate, frames from 0 on? Written by a real media process; read by
// FFmpeg's own demuxer, and by ffprobe where it is installed.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MOVIE_FILES } from '../../../../common/outputs/output-formats.ts';
import type { MovieFormat } from '../../../../common/outputs/output-formats.ts';
import { createMediaService } from '../../../../workers/media/media-service.ts';
import { encodeDeepPng, encodePng } from '../../../../workers/media/pixels/png.ts';
import { movingDisc } from '../../../support/media/clips.ts';
import { ffprobeFacts, hasFfprobe, streamFacts } from '../../../support/media/stream-facts.ts';

const media = createMediaService();
let folder = '';
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bivdiff-written-'));
});
afterAll(async () => {
  await media.close();
  await rm(folder, { recursive: true, force: true });
});

const SIZE = { width: 64, height: 48 };

async function write(format: MovieFormat, count: number, framesPerSecond: number) {
  const file = path.join(folder, `clip-${files++}${MOVIE_FILES[format].ending}`);
  const frames = Array.from({ length: count }, (_, i) => movingDisc(i, SIZE).rgb);
  await media.encode({ path: file, format, framesPerSecond, ...SIZE }, frames);
  return file;
}

const VIDEO_TAGS = ['bt709', 'bt709', 'bt709', 'tv'] as const;
const PICTURE_TAGS = ['bt709', 'iec61966-2-1', 'gbr', 'pc'] as const;

const WRITTEN = [
  { format: 'mp4', codec: 'h264', tag: 'avc1', pixelFormat: 'yuv420p', tags: VIDEO_TAGS },
  { format: 'mp4-hevc', codec: 'hevc', tag: 'hvc1', pixelFormat: 'yuv420p', tags: VIDEO_TAGS },
  { format: 'mp4-av1', codec: 'av1', tag: 'av01', pixelFormat: 'yuv420p', tags: VIDEO_TAGS },
  { format: 'webm', codec: 'vp9', tag: undefined, pixelFormat: 'yuv420p', tags: VIDEO_TAGS },
  { format: 'mov', codec: 'prores', tag: 'ap4h', pixelFormat: undefined, tags: VIDEO_TAGS },
  { format: 'mkv', codec: 'ffv1', tag: undefined, pixelFormat: 'bgr0', tags: PICTURE_TAGS },
] as const;

describe.each(WRITTEN)('$format', ({ format, codec, tag, pixelFormat, tags }) => {
  const isMatroska = ['webm', 'mkv'].includes(format);

  test.each([
    [8, '8/1'],
    [23.976, '24000/1001'],
    [12.5, '25/2'],
    [0.5, '1/2'],
    [120, '120/1'],
  ])(
    'at %d frames a second has codec, tags, rate, and every frame at its time',
    async (rate, fraction) => {
      const count = 50;
      const facts = await streamFacts(await write(format, count, rate));
      expect(facts).toMatchObject({ codec, size: '64x48', tags, rate: fraction });
      if (tag !== undefined) expect(facts.tag).toBe(tag);
      if (pixelFormat !== undefined) expect(facts.pixelFormat).toBe(pixelFormat);
      const [numerator = 1, denominator = 1] = fraction.split('/').map(Number);
      // Matroska counts in milliseconds; the others keep the fraction.
      const most = isMatroska ? 0.000_501 : 1e-9;
      expect(facts.times).toHaveLength(count);
      facts.times.forEach((time, i) => {
        expect(Math.abs(time - (i * denominator) / numerator), `frame ${i}`).toBeLessThanOrEqual(
          most,
        );
      });
    },
  );

  test('has a key frame at least every two seconds', async () => {
    const { keys } = await streamFacts(await write(format, 50, 8));
    expect(keys[0]).toBe(0);
    [...keys, 50].slice(1).forEach((key, i) => {
      expect(key - keys[i]!).toBeLessThanOrEqual(16);
    });
  });

  test.skipIf(!hasFfprobe)('is as ffprobe shows it', async () => {
    const [primaries, transfer, matrix, range] = tags;
    expect(await ffprobeFacts(await write(format, 20, 23.976))).toEqual({
      codec_name: codec,
      color_primaries: primaries,
      color_transfer: transfer,
      color_space: matrix,
      color_range: range,
      avg_frame_rate: '24000/1001',
      start_time: '0.000000',
      nb_read_frames: '20',
    });
  });
});

/** Types and bodies of the boxes in a part of an MP4. */
function boxesOf(bytes: Buffer): { readonly type: string; readonly body: Buffer }[] {
  const boxes: { type: string; body: Buffer }[] = [];
  for (let at = 0; at + 8 <= bytes.length; at += bytes.readUInt32BE(at)) {
    const end = at + bytes.readUInt32BE(at);
    boxes.push({
      type: bytes.toString('latin1', at + 4, at + 8),
      body: bytes.subarray(at + 8, end),
    });
  }
  return boxes;
}

test.each(['mp4', 'mp4-hevc', 'mp4-av1', 'mov'] as const)(
  '%s has its index in front, no time of creation, and frames in the order in which they are shown',
  async (format) => {
    const bytes = await readFile(await write(format, 20, 8));
    const boxes = boxesOf(bytes);
    const order = boxes.map(({ type }) => type).filter((type) => ['moov', 'mdat'].includes(type));
    expect(order).toEqual(['moov', 'mdat']);
    const index = boxes.find(({ type }) => type === 'moov')!.body;
    for (const header of ['mvhd', 'tkhd', 'mdhd']) {
      const at = index.indexOf(header) + 8;
      expect([index.readUInt32BE(at), index.readUInt32BE(at + 4)], header).toEqual([0, 0]);
    }
    expect(index.includes('ctts')).toBe(false);
    const edits = index.indexOf('elst');
    // One edit from the first frame on, or none.
    if (edits >= 0)
      expect([index.readUInt32BE(edits + 8), index.readInt32BE(edits + 16)]).toEqual([1, 0]);
  },
);

test.each([
  ['8 bits', encodePng, 'rgb24'],
  ['16 bits', encodeDeepPng, 'rgb48be'],
] as const)('a PNG of %s says that it is sRGB', async (_, encode, pixelFormat) => {
  const file = path.join(folder, `picture-${files++}.png`);
  await writeFile(file, await encode(movingDisc(0, SIZE)));
  expect(await streamFacts(file)).toMatchObject({ codec: 'png', pixelFormat, tags: PICTURE_TAGS });
});

// From HEVC's own configuration record; ffprobe need not be there.
test('mp4-hevc has profile Main at any rate', async () => {
  for (const rate of [0.01, 0.4, 0.74, 0.75, 24, 240]) {
    const bytes = await readFile(await write('mp4-hevc', 4, rate));
    const profile = bytes.readUInt8(bytes.indexOf('hvcC') + 5) & 31;
    expect(profile, `at ${rate} frames a second`).toBe(1);
  }
});
