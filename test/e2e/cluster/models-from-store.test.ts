// Goal: a worker on a machine without models renders the bytes of `render`. Method: real programs; the workers know nothing but the
// coordinator's address, and share a cache that is empty at first.

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { useFarm } from '../../support/use-farm.ts';

const farmOf = useFarm();

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'bivdiff-models-'));
});
afterEach(() => rm(cache, { recursive: true, force: true }));

it('workers without models take them from the store', async () => {
  const farm = await farmOf.start({ workers: 0, isStoreRemote: true });
  const bare = ['--no-models', '--cache', cache];
  const workers = [farm.startWorker('w1', bare), farm.startWorker('w2', bare)];
  const id = await farm.submit();
  expect(await farm.finish(id)).toBe(farmOf.reference());
  expect(farm.events.filter(({ kind }) => kind === 'failed')).toEqual([]);
  const fetched = workers.flatMap(({ log }) => log().match(/worker fetches a model part/g) ?? []);
  expect(fetched.length).toBeGreaterThan(0);
  expect(await readdir(join(cache, 'tmp'))).toEqual([]);
});
