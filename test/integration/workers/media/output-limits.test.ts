// Goal: what acceptance says of sizes and rates is what the encoders do: they write the largest that is allowed, and refuse what is larger.
// Method: the writers themselves, without the check before them, on pictures that are as thin as can be.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { MovieFormat } from '../../../../common/outputs/output-formats.ts';
import { rateProblem, sizeProblem } from '../../../../common/outputs/output-limits.ts';
import { createMediaService } from '../../../../workers/media/media-service.ts';
import { encodePng } from '../../../../workers/media/pixels/png.ts';
import { encodeGif } from '../../../../workers/media/gif-encoder.ts';
import { writeVideo } from '../../../../workers/media/ffmpeg/video-writer.ts';

let folder = '';
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-limits-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function* frames(width: number, height: number) {
  for (let i = 0; i < 2; i += 1) yield new Uint8Array(width * height * 3).fill(80 + 60 * i);
}

async function write(
  format: MovieFormat,
  { width = 16, height = 16, framesPerSecond = 8 },
): Promise<string> {
  const path = join(folder, `${(files += 1)}.${format}`);
  const request = { path, width, height, framesPerSecond };
  await (format === 'gif'
    ? encodeGif({ ...request, format }, frames(width, height))
    : writeVideo({ ...request, format }, frames(width, height)));
  return path;
}

const LIMITS = [
  { format: 'mp4', least: 8, most: [16_384, 16_384], word: '16,384' },
  { format: 'mp4-hevc', least: 32, most: [16_384, 16_384], word: '16,384' },
  { format: 'mp4-av1', least: 8, most: [8704, 8704], word: '8,704' },
  { format: 'webm', least: 8, most: [65_535, 65_535], word: '65,535' },
  { format: 'mov', least: 8, most: [65_535, 65_535], word: '65,535' },
  { format: 'mkv', least: 8, most: [65_535, 65_535], word: '65,535' },
] as const;

describe.each(LIMITS)('$format', ({ format, least, most, word }) => {
  it.each([
    [least, least],
    [most[0], Math.max(16, least)],
    [Math.max(16, least), most[1]],
  ])('is written at %i by %i, and read back', async (width, height) => {
    expect(sizeProblem(format, { width, height })).toBeUndefined();
    await using media = createMediaService();
    const facts = await media.probe(await write(format, { width, height }));
    expect(facts).toMatchObject({ width, height, frames: 2 });
  });

  it('is refused above that, and below', () => {
    for (const [width, height] of [
      [most[0] + 1, 64],
      [64, most[1] + 1],
      [least - 1, 64],
      [64, least - 1],
    ] as const) {
      expect(sizeProblem(format, { width, height })).toContain(`${least} to ${word} pixels`);
    }
  });

  it('is written from one frame in 100 seconds on', async () => {
    expect(rateProblem(format, 0.01)).toBeUndefined();
    await using media = createMediaService();
    const file = await write(format, { width: 64, height: 64, framesPerSecond: 0.01 });
    const facts = await media.probe(file);
    expect(facts).toMatchObject({ frames: 2, framesPerSecond: 0.01, durationSeconds: 200 });
    expect(rateProblem(format, 0.0099)).toContain('from 0.01 ');
  });
});

describe('encoders that take less than their containers', () => {
  it.each<[MovieFormat, number, number]>([
    ['mp4', 16_386, 16],
    ['mp4', 16, 16_386],
    ['mp4-hevc', 16_384, 24],
    ['mp4-hevc', 14, 64],
    ['mp4-av1', 64, 8706],
    ['mov', 65_536, 16],
  ])('%s of %i by %i cannot be written', async (format, width, height) => {
    await expect(write(format, { width, height })).rejects.toThrow(`encoding ${format} failed`);
  });
});

describe('gif', () => {
  const metadataOf = (path: string) =>
    sharp(path, { pages: -1, limitInputPixels: false }).metadata();

  it('is written at 65,535 pixels a side, and no more', async () => {
    expect(sizeProblem('gif', { width: 65_535, height: 16 })).toBeUndefined();
    const path = await write('gif', { width: 65_535 });
    expect(await metadataOf(path)).toMatchObject({ width: 65_535, pages: 2 });
    expect(sizeProblem('gif', { width: 65_536, height: 16 })).toContain('65,535');
    await expect(write('gif', { width: 65_536 })).rejects.toThrow(/too large for the GIF format/);
  });

  it('is written with delays of up to 65 seconds, and no more', async () => {
    expect(rateProblem('gif', 0.0153)).toBeUndefined();
    const path = await write('gif', { framesPerSecond: 0.016 });
    expect((await metadataOf(path)).delay).toEqual([62_500, 62_500]);
    expect(rateProblem('gif', 0.015)).toContain('0.0153');
    await expect(write('gif', { framesPerSecond: 0.015 })).rejects.toThrow(/0 and 65535/);
  });

  it('has delays of two hundredths of a second at its fastest', async () => {
    expect(rateProblem('gif', 50)).toBeUndefined();
    expect((await metadataOf(await write('gif', { framesPerSecond: 50 }))).delay).toEqual([20, 20]);
    expect(rateProblem('gif', 60)).toContain('50');
    expect((await metadataOf(await write('gif', { framesPerSecond: 60 }))).delay).toContain(10);
  });
});

describe('png', () => {
  it('is made of 16,383 squared pixels, and no more', async () => {
    const encode = (width: number, height: number) =>
      encodePng({ width, height, rgb: new Uint8Array(width * height * 3) });
    const most = { width: 99_426, height: 2699 };
    const more = { width: 99_426, height: 2700 };
    expect(sizeProblem('png', most)).toBeUndefined();
    expect((await encode(most.width, most.height)).length).toBeGreaterThan(0);
    expect(sizeProblem('png', more)).toContain('268,402,689');
    await expect(encode(more.width, more.height)).rejects.toThrow(/exceeds pixel limit/);
  });
});
