// Goal: a worker whose memory is too small for a model costs a job no attempt, and is left out of what it cannot run. Method: real programs;
// one worker may fill less memory than the UNet's weights take, beside one that may fill all.

import { expect, it } from 'vitest';

import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
/** Less than a UNet of the shipped set, more than its VAE. */
const SMALL_GIB = 0.004;
/** Published before the first failure was heard of: at most what the queue of a stage holds, for each stage that runs a UNet. */
const REFUSALS_MAX = 3 * 4;

it('runs on a larger one what a small one cannot hold', async () => {
  const farm = await farmOf.start({ workers: 0 });
  const id = await farm.submit();
  await farm.client.pause(id);
  farm.startWorker('small', ['--memory-gib', String(SMALL_GIB)]);
  farm.startWorker('large');
  await farm.seesWorkers(2);
  await farm.client.resume(id);
  expect(await farm.finish(id)).toBe(farmOf.reference());
  const refusals = farm.events.filter((event) => event.kind === 'failed');
  expect(refusals.length).toBeGreaterThan(0);
  expect(refusals.length).toBeLessThanOrEqual(REFUSALS_MAX);
  for (const event of refusals) {
    expect(event).toMatchObject({ worker: 'small', failure: { code: 'resource-exhausted' } });
  }
  const committed = farm.events.filter(
    ({ kind, worker }) => kind === 'committed' && worker === 'small',
  );
  expect(committed.length).toBeGreaterThan(0);
});
