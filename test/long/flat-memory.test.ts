// Goal: no program of a farm needs more memory for a long clip than for a short one. Method: the shipped models at a small size, on a farm whose
// pools are a process each; peaks of coordinator, workers and their media processes at 64 frames and at 2,048, on a new farm each.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { PeakMemory } from '../support/farm/peak-memory.ts';
import { useFarm } from '../support/farm/use-farm.ts';
import { makeClip } from '../support/media/made-clip.ts';

const [SHORT, LONG] = [64, 2_048];
const RATIO_MAX = 1.2;
const JOB_MS = 1_200_000;
const POOLS = ['idm', 'mixer', 'vdm'] as const;

const farmOf = useFarm();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-flat-'));
  await makeClip(join(folder, 'clip.mp4'), LONG);
});
afterAll(() => rm(folder, { recursive: true }));

async function peaksOf(frames: number): Promise<ReadonlyMap<string, number>> {
  const farm = await farmOf.start({ workers: 0 });
  for (const pool of POOLS) farm.startWorker(pool, [], { pools: [pool] });
  await farm.seesWorkers(POOLS.length);
  const programs = [farm.coordinator!, ...farm.workers.values()];
  const memory = new PeakMemory(new Map(programs.map(({ name, child }) => [name, child])));
  try {
    const id = await farm.submit([
      ...['--task', 'controlnet', '--control', 'canny', '--prompt', 'a black square'],
      ...['--input', join(folder, 'clip.mp4'), '--stride', '1', '--frames', String(frames)],
      ...['--size', '64x64', '--steps', '2', '--mixing-ratio', '0.5', '--seed', '7'],
    ]);
    await farm.finish(id, JOB_MS);
    await memory.look();
  } finally {
    memory.end();
    await farm.close();
  }
  return memory.peaks;
}

it('grows by a fifth at most from 64 frames to 2,048', { timeout: 2 * JOB_MS }, async () => {
  const [short, long] = [await peaksOf(SHORT), await peaksOf(LONG)];
  for (const [name, before] of short) {
    const after = long.get(name) ?? NaN;
    const line = `${name}: ${before.toFixed(0)} MiB, ${after.toFixed(0)} MiB, ${(after / before).toFixed(2)}`;
    process.stderr.write(`${line}\n`);
    expect.soft(after / before, line).toBeLessThan(RATIO_MAX);
  }
  expect([...long.keys()].sort()).toEqual([...short.keys()].sort());
});
