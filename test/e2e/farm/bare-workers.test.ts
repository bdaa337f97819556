// Goal: workers on machines without models and without the store's folder render the bytes of `render`, and have latents straight from
// each other. Method: real programs; the workers know nothing but the coordinator's address, and share a cache that is empty at first.
// One makes frames, the other works on windows of them: what one gathers the other has made.

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, inject, it } from 'vitest';

import type {} from '../../support/farm/small-reference.ts';
import { useFarm } from '../../support/farm/use-farm.ts';
import { SMALL_JOB } from '../../support/reference.ts';

const farmOf = useFarm();

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'bivdiff-models-'));
});
afterEach(() => rm(cache, { recursive: true, force: true }));

it('workers take models from the store and latents from each other', async () => {
  const farm = await farmOf.start({
    workers: 0,
    ofWorkers: (server) => ({ store: `grpc://${server}` }),
  });
  const bare = ['--no-models', '--cache', cache];
  const frames = farm.startWorker('frames', bare, { pools: ['idm'] });
  const windows = farm.startWorker('windows', bare, { pools: ['mixer', 'vdm'] });
  await farm.until('both are there', async () => {
    return (await farm.client.workers()).workers.length === 2;
  });
  const id = await farm.submit(SMALL_JOB);
  expect(await farm.finish(id)).toBe(inject('smallReference'));
  expect(farm.events.filter(({ kind }) => kind === 'failed')).toEqual([]);
  for (const { log } of [frames, windows]) expect(log()).toContain('worker fetches a model part');
  expect(await readdir(join(cache, 'tmp'))).toEqual([]);

  // 16 frames in batches of 2: the two inversions read 16 batches of latents that the other worker made; of their own, the
  // windows' tasks read a few noises. On a loaded machine some may have come too late, and from the store.
  await farm.until('the workers have told what they gathered', async () => {
    const { workers } = await farm.client.workers();
    const hits = new Map(workers.map(({ name, gatherHits }) => [name, gatherHits]));
    return (hits.get('windows') ?? 0) >= 10 && (hits.get('frames') ?? 0) >= 1;
  });
  const { workers } = await farm.client.workers();
  for (const { address } of workers) expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
});
