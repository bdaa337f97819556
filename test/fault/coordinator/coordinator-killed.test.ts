// Goal: the coordinator can die at any moment. Method: SIGKILL it twenty times at moments drawn from a printed seed, each time
// starting a new one on the same store.

import { setTimeout as delay } from 'node:timers/promises';

import { expect, it } from 'vitest';

import { killed } from '../../support/farm/farm-program.ts';
import { testSeed } from '../../support/conformance/seed.ts';
import { createRandom } from '../../support/random.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
const KILLS = 20;

it('loses nothing when the coordinator is killed at twenty random moments', async () => {
  const random = createRandom(testSeed());
  const farm = await farmOf.start();
  const id = await farm.submit();
  let hits = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    // Every other one dies while it works, the rest whenever they do, be it before they answer anybody.
    if (kill % 2 === 0)
      await farm.until('it answers', async () => (await farm.client.list()).length > 0);
    await delay(200 + random() * 1_500);
    const job = await farm.client.get(id).catch(() => undefined);
    await killed(farm.coordinator!.child);
    // It died while it had the job, and workers ran tasks of it.
    const running = ['w1', 'w2'].flatMap((worker) => farm.unfinished(worker));
    if (job?.state === 'running' && running.length > 0) hits += 1;
    farm.startCoordinator();
  }
  expect(await farm.finish(id)).toBe(farmOf.reference());
  expect(hits).toBeGreaterThan(0);
  // Nobody died who ran tasks: their messages stay theirs, what was committed never runs again, and what is delivered twice is found in
  // the store. So every task began once.
  farm.checkHistory();
  expect([...farm.starts().values()].every((count) => count === 1)).toBe(true);
});
