// The sessions a lane keeps: what is evicted, what is loaded again, and whether the memory really comes back. Weights
// are 64 MiB files that the test writes.

import { copyFile, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { Digest } from '../../../../common/task.ts';
import type { LaneModel, LaneResult } from '../../../../workers/inference/lanes/lane-job.ts';
import { createLanePool } from '../../../../workers/inference/lanes/lane-pool.ts';
import { SessionCache } from '../../../../workers/inference/lanes/session-cache.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';
import { graphPath } from '../../../support/models/paths.ts';

const MIB = 2 ** 20;
const LARGE_BYTES = 64 * MIB;
const TOOK: unknown = expect.any(Number);

let folder: string;
let cache: SessionCache;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-cache-'));
  await copyFile(graphPath('large.onnx'), join(folder, 'large.onnx'));
  const weights = await open(join(folder, 'large.bin'), 'w');
  await weights.truncate(LARGE_BYTES);
  await weights.close();
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

beforeEach(() => {
  cache = cacheOf(150 * MIB);
});

afterEach(async () => {
  await cache.clear();
});

function cacheOf(memoryLimitBytes: number): SessionCache {
  return new SessionCache({ threads: 1, memoryLimitBytes, executionProviders: ['cpu'] });
}

function large(name: string): LaneModel {
  return { name, digest: name as Digest, graph: join(folder, 'large.onnx'), config: {} };
}

async function touch(name: string, of = cache): Promise<void> {
  const x = floatTensor([1, 4096]);
  await of.use(large(name), (session) => session.run({ x }));
}

describe('a session cache', () => {
  it('counts the weights of each session', async () => {
    await touch('a');
    expect(cache.load).toEqual({ warm: { a: TOOK }, loadedBytes: LARGE_BYTES });
  });

  it('keeps sessions while its budget lasts, and evicts the least recently used', async () => {
    await touch('a');
    await touch('b');
    await touch('a');
    await touch('c');
    expect(cache.load).toEqual({ warm: { a: TOOK, c: TOOK }, loadedBytes: 2 * LARGE_BYTES });
  });

  it('opens a session once for two uses at one time', async () => {
    const names = await Promise.all([
      cache.use(large('a'), async (session) => Promise.resolve(session)),
      cache.use(large('a'), async (session) => Promise.resolve(session)),
    ]);
    expect(names[0]).toBe(names[1]);
  });

  it('never releases a session that is in use', async () => {
    await cache.use(large('a'), async (session) => {
      await touch('b');
      await touch('c');
      await touch('d');
      await session.run({ x: floatTensor([1, 4096]) });
    });
    expect(cache.load.warm).toHaveProperty('a');
  });

  it('refuses a graph whose weights alone pass the budget', async () => {
    await expect(touch('a', cacheOf(60 * MIB))).rejects.toMatchObject({
      code: 'resource-exhausted',
      retry: 'other-worker',
      message: 'a needs 64.0 MiB for its weights; this lane may use 60.0 MiB',
    });
  });

  it('forgets a graph that could not be loaded', async () => {
    const broken: LaneModel = { ...large('a'), graph: graphPath('large.onnx') };
    const failed = cache.use(broken, async () => Promise.resolve());
    await expect(failed).rejects.toMatchObject({ code: 'failed-precondition' });
    expect(cache.load).toEqual({ warm: {}, loadedBytes: 0 });
    await touch('a');
  });

  it('drops others before a run that would not fit beside them', async () => {
    await touch('a');
    await cache.use(large('b'), async (session) => {
      expect(cache.roomBeside(large('b'))).toBe(150 * MIB - LARGE_BYTES);
      await cache.makeRoom(large('b'), 30 * MIB);
      await session.run({ x: floatTensor([1, 4096]) });
    });
    expect(cache.load).toEqual({ warm: { b: TOOK }, loadedBytes: LARGE_BYTES });
  });

  it('counts what a run took as long as its session is there', async () => {
    await cache.use(large('a'), async () => cache.makeRoom(large('a'), 30 * MIB));
    await touch('b');
    expect(cache.load).toEqual({ warm: { b: TOOK }, loadedBytes: LARGE_BYTES });
    await touch('a');
    expect(Object.keys(cache.load.warm)).toEqual(['b', 'a']);
  });

  it('keeps what was used last, however much its runs take', async () => {
    await cache.use(large('a'), async () => cache.makeRoom(large('a'), 1000 * MIB));
    expect(Object.keys(cache.load.warm)).toEqual(['a']);
    await touch('b');
    expect(Object.keys(cache.load.warm)).toEqual(['b']);
  });

  it('adds up the time of evicted sessions too', async () => {
    await touch('a');
    const before = cache.busySeconds;
    expect(before).toBeGreaterThan(0);
    await touch('b');
    await touch('c');
    expect(cache.load.warm).not.toHaveProperty('a');
    expect(cache.busySeconds).toBeGreaterThan(before);
  });

  it('drops what it is told to, but for what is in use', async () => {
    await touch('b');
    await cache.use(large('a'), () => cache.drop(['a', 'b'] as Digest[]));
    expect(Object.keys(cache.load.warm)).toEqual(['a']);
    await cache.drop(['a'] as Digest[]);
    expect(cache.load).toEqual({ warm: {}, loadedBytes: 0 });
  });

  it('gives the memory back, however often it loads and evicts', async () => {
    const one = cacheOf(100 * MIB);
    await touch('a', one);
    const afterFirst = process.memoryUsage.rss();
    for (let i = 0; i < 8; i += 1) await touch(i % 2 === 0 ? 'b' : 'a', one);
    // Without releases it would be 8 x 64 MiB more.
    expect(process.memoryUsage.rss() - afterFirst).toBeLessThan(100 * MIB);
    await one.clear();
    expect(afterFirst - process.memoryUsage.rss()).toBeGreaterThan(32 * MIB);
  });
});

describe('lanes that are told to drop a model', () => {
  it('release it, and load it again for a later job', async () => {
    const entry = new URL('../../../support/models/test-lane.ts', import.meta.url);
    const limits = { threadsPerLane: 1, memoryLimitBytes: 600 * MIB };
    const pool = createLanePool({ lanes: 2, ...limits, entry });
    const use = (): Promise<LaneResult> =>
      pool.run({
        ...{ stage: 'alternate', params: { roles: ['a', 'b'] }, frames: [] },
        tensors: { x: floatTensor([1, 4096]) },
        models: { a: large('a'), b: large('b') },
      });
    const held = (): string[] => pool.stats().loads.flatMap(({ warm }) => Object.keys(warm));
    try {
      await Promise.all([use(), use()]);
      pool.drop(['a'] as Digest[]);
      // The next one is told before it has answered, and finds it gone.
      await use();
      expect(held().toSorted()).toEqual(['a', 'b', 'b']);
      pool.drop(['a', 'b'] as Digest[]);
      await expect.poll(held).toEqual([]);
    } finally {
      await pool.close();
    }
  });
});

describe('a lane whose job needs more models than it may keep', () => {
  it('loads what was evicted again, behind the session that the body holds', async () => {
    const entry = new URL('../../../support/models/test-lane.ts', import.meta.url);
    const pool = createLanePool({
      lanes: 1,
      threadsPerLane: 1,
      memoryLimitBytes: 100 * MIB,
      entry,
    });
    try {
      const roles = ['a', 'b'];
      const { outputs } = await pool.run({
        stage: 'alternate',
        params: { roles },
        tensors: { x: floatTensor([1, 4096]) },
        frames: [],
        models: { a: large('a'), b: large('b') },
      });
      expect(outputs['y']?.shape).toEqual([1, 4096]);
      expect(pool.stats().loads).toEqual([{ warm: { b: TOOK }, loadedBytes: LARGE_BYTES }]);
    } finally {
      await pool.close();
    }
  });
});
