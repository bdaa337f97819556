// Goal: half an hour of video with sound goes through a roundtrip frame by frame and packet by packet, in memory that does not grow. Method: the
// real program, into a format without loss; the RGB of all 45,000 frames is held against what the ffmpeg program extracts from the source, and
// the bytes of all packets of sound against the source's.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { endOfCli, startCli } from '../support/cli-process.ts';
import { PeakMemory } from '../support/farm/peak-memory.ts';
import { framesByFfmpeg, requireFfmpeg } from '../support/media/ffmpeg-program.ts';
import { soundOfFile } from '../support/media/sound-packets.ts';
import { makeSoundingClip, SOUNDING_RATE } from '../support/media/sounding-clip.ts';

const FRAMES = 30 * 60 * SOUNDING_RATE;
const TENTH = FRAMES / 10;
const RATIO_MAX = 1.2;
const TIME_MS = 1_200_000;

let folder = '';
let clip = '';
beforeAll(async () => {
  requireFfmpeg();
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-half-hour-'));
  clip = join(folder, 'clip.mp4');
  await makeSoundingClip(clip, FRAMES);
}, TIME_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** MiB by program. */
async function roundtrip(output: string, ...flags: readonly string[]) {
  const words = ['roundtrip', clip, join(folder, output), '--audio', 'keep', '--quiet', ...flags];
  const child = startCli(words);
  const memory = new PeakMemory(new Map([['roundtrip', child]]));
  try {
    const run = await endOfCli(child);
    expect(run.code, run.stderr).toBe(0);
  } finally {
    memory.end();
  }
  return memory.peaks;
}

it('keeps all of half an hour', { timeout: TIME_MS }, async () => {
  const short = await roundtrip('short.mkv', '--frames', String(TENTH));
  const long = await roundtrip('long.mkv');

  const [theirs, ours] = [
    await framesByFfmpeg(clip),
    await framesByFfmpeg(join(folder, 'long.mkv')),
  ];
  expect(theirs).toHaveLength(FRAMES);
  expect(new Set(theirs).size, 'no two frames of the source are alike').toBe(FRAMES);
  expect(ours.length).toBe(FRAMES);
  expect(ours.findIndex((digest, frame) => digest !== theirs[frame])).toBe(-1);
  const part = await framesByFfmpeg(join(folder, 'short.mkv'));
  expect(part).toEqual(theirs.slice(0, TENTH));

  const source = (await soundOfFile(clip))!.packets;
  const kept = (await soundOfFile(join(folder, 'long.mkv')))!.packets;
  expect(kept.length).toBe(source.length);
  expect(kept.findIndex(({ bytes }, i) => bytes !== source[i]!.bytes)).toBe(-1);
  const off = kept.map(({ begin }, i) => Math.abs(begin - source[i]!.begin));
  expect(off.reduce((a, b) => Math.max(a, b), 0)).toBeLessThan(1.1e-3);

  expect([...long.keys()].sort()).toEqual([...short.keys()].sort());
  for (const [name, before] of short) {
    const after = long.get(name)!;
    const line = `${name}: ${before.toFixed(0)} MiB at ${TENTH} frames, ${after.toFixed(0)} MiB at ${FRAMES}, ${(after / before).toFixed(2)}`;
    process.stderr.write(`${line}\n`);
    expect.soft(after / before, line).toBeLessThan(RATIO_MAX);
  }
});

it('keeps a part from the middle of it', { timeout: TIME_MS }, async () => {
  const [start, frames] = [FRAMES / 2 + 7, 500];
  await roundtrip('part.mp4', '--start', String(start), '--frames', String(frames));
  const source = (await soundOfFile(clip))!.packets;
  const from = start / SOUNDING_RATE;
  const { packets, seconds } = (await soundOfFile(join(folder, 'part.mp4')))!;
  const sounding = source.filter(({ begin, end }) => {
    return end > from + 1e-6 && begin < from + frames / SOUNDING_RATE - 1e-6;
  });
  const bytesOf = (some: typeof source): string[] => some.map(({ bytes }) => bytes);
  expect(bytesOf(packets.slice(1))).toEqual(bytesOf(sounding));
  expect(packets[1]!.begin).toBeCloseTo(sounding[0]!.begin - from, 4);
  expect(seconds).toBeCloseTo(frames / SOUNDING_RATE, 3);
});
