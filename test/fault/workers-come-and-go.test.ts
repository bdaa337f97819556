// Goal: a farm whose machines come and go gives the same bytes. Method: thirty workers join one after the other while the job
// runs, and each is killed or drained after a random while, by a printed seed.

import { setTimeout as delay } from 'node:timers/promises';

import { expect, it } from 'vitest';

import { testSeed } from '../support/conformance/seed.ts';
import { killed } from '../support/farm-program.ts';
import { useFarm } from '../support/use-farm.ts';

const farmOf = useFarm();
const WORKERS = 30;

it('renders the same with thirty workers that join and leave at random', async () => {
  let state = testSeed() >>> 0;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const farm = await farmOf.start({ workers: 1 });
  const id = await farm.submit();
  let kills = 0;
  for (let i = 0; i < WORKERS; i += 1) {
    const { child } = farm.startWorker(`guest-${i}`);
    await delay(800 + random() * 1_500);
    if (random() < 0.5) child.kill('SIGTERM');
    else {
      kills += 1;
      await killed(child);
    }
    if (i === Math.floor(WORKERS / 3)) await killed(farm.workers.get('w1')!.child);
    if (i === Math.floor(WORKERS / 2)) farm.startWorker('w2');
  }
  expect(await farm.finish(id)).toBe(farmOf.reference());
  expect(new Set(farm.events.map(({ worker }) => worker)).size).toBeGreaterThan(1);
  farm.checkHistory({ extraStartsMax: WORKERS });
  expect(kills).toBeGreaterThan(0);
});
