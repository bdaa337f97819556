// Goal: cuts between drawn scenes are found at the very frame, and nothing else is taken for one. Method: real files, decoded in a real media process.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { findCuts } from '../../../../workers/media/find-cuts.ts';
import { createMediaService } from '../../../../workers/media/media-service.ts';
import {
  BLACK,
  disc,
  mixed,
  pan,
  take,
  WHITE,
  writeShots,
} from '../../../support/media/drawn-shots.ts';
import type { Drawn } from '../../../support/media/drawn-shots.ts';
import { fixture } from '../../../support/media/clips.ts';

const media = createMediaService();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-cuts-'));
});
afterAll(async () => {
  await media.close();
  await rm(folder, { recursive: true, force: true });
});

let count = 0;
async function clipOf(frames: readonly Drawn[]): Promise<string> {
  const path = join(folder, `${(count += 1)}.mp4`);
  await writeShots(media, path, frames);
  return path;
}

async function cutsOf(frames: readonly Drawn[]): Promise<readonly number[]> {
  const whole = { frames: frames.length, first: 0, last: frames.length - 1 };
  return findCuts(media, { path: await clipOf(frames), ...whole });
}

const blue = disc([60, 80, 100], [220, 60, 60], 2);
const olive = disc([150, 140, 60], [30, 60, 200], 3);
const black = (): Drawn => BLACK;
const white = (): Drawn => WHITE;
const steps = (of: number): number[] => Array.from({ length: of }, (_, i) => (i + 1) / (of + 1));

describe('cuts are found', () => {
  it.each([
    ['between scenes', [...take(blue, 12), ...take(olive, 18), ...take(pan(3), 14)], [12, 30]],
    [
      'between dark scenes',
      [
        ...take(disc([10, 10, 14], [50, 40, 40], 2), 10),
        ...take(disc([30, 26, 20], [10, 50, 20], 2), 10),
      ],
      [10],
    ],
    [
      'between scenes of one brightness',
      [
        ...take(disc([120, 90, 60], [220, 60, 60], 2), 10),
        ...take(disc([70, 100, 130], [220, 60, 60], 2), 10),
      ],
      [10],
    ],
    [
      'between scenes in fast motion',
      [...take(pan(8), 10), ...take(disc([150, 140, 60], [30, 60, 200], 33), 12)],
      [10],
    ],
    [
      'between shots of three frames',
      [...take(blue, 3), ...take(olive, 3), ...take(pan(1), 3), ...take(blue, 3)],
      [3, 6, 9],
    ],
  ])('%s', async (_, frames, cuts) => {
    expect(await cutsOf(frames)).toEqual(cuts);
  });
});

describe('no cut is', () => {
  it.each([
    ['fast motion of the whole picture', take(pan(14), 30)],
    ['motion of 33 pixels a frame', take(disc([60, 80, 100], [220, 60, 60], 33), 30)],
    ['motion that begins at once', [...take(pan(0), 10), ...take(pan(14), 20)]],
    ['a flash of one frame', [...take(blue, 10), WHITE, ...take(blue, 10, 11)]],
    ['a flash of two frames', [...take(blue, 10), WHITE, WHITE, ...take(blue, 10, 12)]],
    ['a fade', [...take(blue, 8), ...steps(8).map((s) => mixed(blue(8), BLACK, s)), BLACK, BLACK]],
    [
      'a dissolve, even over two frames',
      [...take(blue, 8), ...steps(2).map((s) => mixed(blue(8), olive(8), s)), ...take(olive, 8, 8)],
    ],
  ])('%s', async (_, frames) => {
    expect(await cutsOf(frames)).toEqual([]);
  });
});

// What is known to be told wrongly: docs/long-video.md says so.
describe('it is not noticed', () => {
  it.each([
    [
      'that three white frames are a flash',
      [...take(blue, 10), ...take(white, 3), ...take(blue, 9)],
      [10, 13],
    ],
    [
      'that a scene gives way to one in faster motion',
      [...take(() => blue(0), 10), ...take(pan(14), 12)],
      [],
    ],
    [
      'that one frame stands between two scenes',
      [...take(blue, 8), mixed(blue(8), olive(8), 0.5), ...take(olive, 8)],
      [],
    ],
    ['that a flash hides a cut beside it', [...take(blue, 9), WHITE, ...take(black, 9)], []],
  ])('%s', async (_, frames, cuts) => {
    expect(await cutsOf(frames)).toEqual(cuts);
  });
});

describe('a part of a clip', () => {
  const frames = [...take(blue, 12), ...take(olive, 18), ...take(pan(3), 14)];

  it('has the cuts of the whole that lie between its frames, wherever it begins and ends', async () => {
    const path = await clipOf(frames);
    const between = (first: number, last: number) =>
      findCuts(media, { path, frames: frames.length, first, last });
    expect(await between(11, 30)).toEqual([12, 30]);
    expect(await between(12, 29)).toEqual([]);
    expect(await between(5, 12)).toEqual([12]);
    expect(await between(30, 30)).toEqual([]);
  });

  it('does not take the beginning of a flash at its end for a cut', async () => {
    const flashed = [...take(blue, 10), WHITE, ...take(blue, 10, 11)];
    const path = await clipOf(flashed);
    expect(await findCuts(media, { path, frames: flashed.length, first: 0, last: 10 })).toEqual([]);
  });
});

it('says what is wrong with a file', async () => {
  const search = { path: fixture('truncated.mp4'), frames: 12, first: 0, last: 11 };
  await expect(findCuts(media, search)).rejects.toMatchObject({ code: 'invalid-argument' });
});

it('stops when it is told to', async () => {
  const frames = take(pan(1), 20);
  const path = await clipOf(frames);
  const search = { path, frames: frames.length, first: 0, last: 19 };
  const signal = AbortSignal.abort();
  await expect(findCuts(media, search, { signal })).rejects.toMatchObject({ code: 'cancelled' });
});

it('is told frame by frame, of the part that is asked for and what is looked at around it', async () => {
  const path = await clipOf([...take(blue, 40), ...take(olive, 24)]);
  const told: (readonly [number, number])[] = [];
  const onFrame = (done: number, total: number): void => void told.push([done, total]);
  await findCuts(media, { path, frames: 64, first: 0, last: 19 }, { onFrame });
  const [[, total] = [0, 0]] = told;
  expect(total).toBeGreaterThanOrEqual(20);
  expect(total).toBeLessThan(64);
  expect(told).toEqual(Array.from({ length: total }, (_, i) => [i + 1, total]));
});
