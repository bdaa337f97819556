// Goal: a worker with other model files never gives another picture: it does the job with the right ones out of the store, or refuses
// where the store has none. Method: real programs; a worker whose only models are the tests' tiny set, or the right set with one
// file changed; and a store whose model documents were taken away.

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { TINY_SET } from '../../support/models/paths.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
const DEMO = join(import.meta.dirname, '../../../models/demo');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-wrong-models-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('does the job with the right files out of the store', async () => {
  const models = join(folder, 'demo');
  await cp(DEMO, models, { recursive: true });
  // Sound JSON that says the same, in other bytes: nothing but the digest tells it apart.
  const config = join(models, 'image/scheduler/scheduler_config.json');
  await writeFile(config, `${await readFile(config, 'utf8')}\n`);
  const farm = await farmOf.start({ workers: 0 });
  const cache = join(folder, 'cache');
  const odd = farm.startWorker('odd', ['--models', models, '--cache', cache]);
  const id = await farm.submit();
  expect(await farm.finish(id)).toBe(farmOf.reference());
  expect(farm.events.filter(({ kind }) => kind === 'failed')).toEqual([]);
  const fetched = odd.log().match(/"part":"[^"]+"/g);
  expect(fetched).toEqual(['"part":"image/scheduler"']);
});

it('refuses by digest where the store has none, and another worker takes it', async () => {
  const farm = await farmOf.start({ workers: 0 });
  const id = await farm.submit();
  // Alone, the odd one would use up the attempts of its first task.
  await farm.client.pause(id);
  await rm(join(farm.store, 'documents/model'), { recursive: true });
  farm.startWorker('right');
  farm.startWorker('odd', ['--models', TINY_SET, '--cache', join(folder, 'cache')]);
  await farm.until('both are there', async () => {
    return (await farm.client.workers()).workers.length === 2;
  });
  await farm.client.resume(id);
  expect(await farm.finish(id)).toBe(farmOf.reference());
  const refusals = farm.events.filter((event) => event.kind === 'failed' && event.worker === 'odd');
  expect(refusals.length).toBeGreaterThan(0);
  for (const event of refusals) {
    if (event.kind === 'failed') expect(event.failure.message).toContain('no model with digest');
  }
});
