// Goal: a file that grows can be played at any time, with every frame that was given so far. Method: a real media process; the file is copied and
// read between two frames.

import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { createMediaService } from '../../../../workers/media/media-service.ts';
import type { EncodeRequest } from '../../../../workers/media/media-types.ts';
import { indexPicture, indicesIn } from '../../../support/media/index-pictures.ts';

const SIZE = { width: 64, height: 48 };
const LIMIT_MS = 10_000;

await using media = createMediaService();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-growing-'));
});
afterAll(() => rm(folder, { recursive: true }));

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const request = (name: string): EncodeRequest => {
  const path = join(folder, name);
  return { path, format: 'mp4', framesPerSecond: 8, growing: true, ...SIZE };
};

/** Of the file as it is now; none while it has none. */
async function indicesNow(path: string): Promise<readonly number[]> {
  const copy = join(folder, 'copy.mp4');
  try {
    await copyFile(path, copy);
    return await indicesIn(media, copy);
  } catch {
    return [];
  } finally {
    await rm(copy, { force: true });
  }
}

it('has each frame as soon as it was given', async () => {
  const asked = request('clip.mp4');
  const frames = async function* (): AsyncGenerator<Uint8Array> {
    for (let count = 1; count <= 40; count += 1) {
      yield indexPicture(count - 1, SIZE);
      if (count % 13 !== 1) continue;
      const deadline = performance.now() + LIMIT_MS;
      while ((await indicesNow(asked.path)).length < count && performance.now() < deadline) {
        await delay(50);
      }
      expect(await indicesNow(asked.path)).toEqual(upTo(count));
    }
  };
  const facts = await media.encode(asked, frames());
  expect(facts.frames).toBe(40);
  expect(await indicesIn(media, asked.path)).toEqual(upTo(40));
  expect(await readdir(folder)).toEqual(['clip.mp4']);
});

it('keeps what it has if no more comes', async () => {
  const asked = request('broken.mp4');
  const frames = async function* (): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < 5; index += 1) yield indexPicture(index, SIZE);
    while ((await indicesNow(asked.path)).length < 5) await delay(50);
    throw new RangeError('the farm has gone');
  };
  await expect(media.encode(asked, frames())).rejects.toThrow('the farm has gone');
  expect(await indicesIn(media, asked.path)).toEqual(upTo(5));
});

it.each(['webm', 'mov', 'gif'] as const)('is none in %s', async (format) => {
  const asked = { ...request(`clip.${format}`), format };
  await expect(media.encode(asked, [indexPicture(0, SIZE)])).rejects.toMatchObject({
    code: 'invalid-argument',
  });
});
