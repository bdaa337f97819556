// Goal: a worker with other model files refuses a task instead of giving another picture. Method: one worker has the tests' tiny set;
// what it refuses runs on the other, and it does not run any inference.

import { expect, it } from 'vitest';

import { join } from 'node:path';

import { useFarm } from '../support/use-farm.ts';

const farmOf = useFarm();
const TINY_SET = join(import.meta.dirname, '../support/models/tiny-set');

it('refuses by digest, and another worker takes it', async () => {
  const farm = await farmOf.start({ workers: 1 });
  farm.startWorker('odd', ['--models', TINY_SET]);
  await farm.until('the odd one is there', async () => {
    return (await farm.client.workers()).workers.length === 2;
  });
  const id = await farm.submit();
  expect(await farm.finish(id)).toBe(farmOf.reference());
  const refusals = farm.events.filter((event) => event.kind === 'failed' && event.worker === 'odd');
  expect(refusals.length).toBeGreaterThan(0);
  for (const event of refusals) {
    if (event.kind === 'failed') expect(event.failure.message).toContain('no model with digest');
  }
});
