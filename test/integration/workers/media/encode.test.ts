// Do written videos hold the frames they were made of, with true colours and the same bytes every time? Written by a real
// media process, read back by another.

import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMediaService } from '../../../../workers/media/media-service.ts';
import type { RgbImage, VideoFormat } from '../../../../workers/media/media-types.ts';
import { boxesIn, findBox } from '../../../../workers/media/containers/mp4-header.ts';
import { collect, movingDisc, patchError, patches, psnr } from '../../../support/media/clips.ts';

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

async function write(format: VideoFormat, frames: readonly RgbImage[], framesPerSecond = 8) {
  const file = path.join(folder, `clip-${files++}.${format}`);
  const { width, height } = frames[0]!;
  const pixels = frames.map((frame) => frame.rgb);
  const facts = await media.encode({ path: file, format, width, height, framesPerSecond }, pixels);
  return { file, facts };
}

async function read(file: string): Promise<RgbImage[]> {
  const facts = await media.probe(file);
  const size = { width: facts.width, height: facts.height };
  const indices = [...Array(facts.frames).keys()];
  const frames = await collect(media.decode({ path: file, indices, size, resize: 'stretch' }));
  return frames.map((frame) => ({ ...size, rgb: frame.rgb }));
}

const SIZE = { width: 128, height: 96 };
const disc = (count: number) => Array.from({ length: count }, (_, i) => movingDisc(i, SIZE));

describe.each(['mp4', 'webm', 'gif'] as const)('%s', (format) => {
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
    const quality = (await read(file)).map((frame, i) => psnr(frame, frames[i]!));
    expect(Math.min(...quality)).toBeGreaterThan(40);
  });

  test('keeps saturated colours within 2 levels', async () => {
    const { file } = await write(format, [patches(SIZE), patches(SIZE)]);
    for (const frame of await read(file)) expect(patchError(frame)).toBeLessThanOrEqual(2);
  });
});

describe.each(['mp4', 'webm', 'gif'] as const)('%s', (format) => {
  const digest = async () => {
    const { file } = await write(format, disc(10));
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  };

  test('has the same bytes every time, on an idle machine and on a busy one', async () => {
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
});

test('writes an MP4 with its index in front, BT.709 tags and no time of creation', async () => {
  const { file } = await write('mp4', disc(20));
  const bytes = await readFile(file);
  expect([...boxesIn(bytes)].map((box) => box.type)).toEqual(['ftyp', 'moov', 'mdat']);
  const moov = findBox(bytes, 'moov')!;
  for (const header of ['mvhd', 'trak/tkhd', 'trak/mdia/mdhd']) {
    expect(findBox(moov, header)!.readUInt32BE(4), header).toBe(0);
    expect(findBox(moov, header)!.readUInt32BE(8), header).toBe(0);
  }
  const [entry] = [...boxesIn(findBox(moov, 'trak/mdia/minf/stbl/stsd')!.subarray(8))];
  const colour = findBox(entry!.body.subarray(78), 'colr')!;
  expect(colour.toString('latin1', 0, 4)).toBe('nclx');
  expect([...colour.subarray(4)]).toEqual([0, 1, 0, 1, 0, 1, 0]);
  const keys = findBox(moov, 'trak/mdia/minf/stbl/stss')!;
  expect(keys.readUInt32BE(4)).toBe(2);
  expect([keys.readUInt32BE(8), keys.readUInt32BE(12)]).toEqual([1, 17]);
});

test.each([
  ['mp4', 23.976],
  ['mp4', 12.5],
  ['webm', 29.97],
] as const)('keeps the rate in %s: %d frames a second', async (format, rate) => {
  const { file } = await write(format, disc(24), rate);
  expect((await media.probe(file)).framesPerSecond).toBeCloseTo(rate, 1);
});

test('grows odd sizes by one copied row and column where 4:2:0 needs it', async () => {
  const odd = { width: 127, height: 95 };
  const frames = [movingDisc(0, odd), movingDisc(1, odd)];
  for (const format of ['mp4', 'webm'] as const) {
    const { facts } = await write(format, frames);
    expect(facts).toMatchObject({ width: 128, height: 96 });
  }
  const { file } = await write('gif', frames);
  expect(await media.probe(file)).toMatchObject(odd);
});

describe('refuses', () => {
  const request = { format: 'mp4', framesPerSecond: 8, ...SIZE } as const;
  const target = (name: string) => path.join(folder, name);
  const frame = disc(1)[0]!.rgb;

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
    const left = await readdir(folder);
    expect(left.filter((name) => /^(none|wrong)/.test(name))).toEqual([]);
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
    const left = await readdir(folder);
    expect(left.filter((name) => name.startsWith('aborted'))).toEqual([]);
  });

  test('a folder that is not there', async () => {
    const lost = media.encode({ ...request, path: target('nowhere/clip.mp4') }, [frame]);
    await expect(lost).rejects.toMatchObject({ code: 'not-found' });
  });
});
