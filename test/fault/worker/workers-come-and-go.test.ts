// Goal: a farm whose machines come and go gives the same bytes. Method: thirty workers join one after the other, and
// each is killed in a task or drained soon after it has begun one, by a printed seed.

import { setTimeout as delay } from 'node:timers/promises';

import { expect, it } from 'vitest';

import type { TaskId } from '../../../common/task.ts';
import { testSeed } from '../../support/conformance/seed.ts';
import { createRandom } from '../../support/random.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
const WORKERS = 30;
/** After its first task has begun. */
const STAY_MS_MAX = 400;
/** A task that takes its workers with it would fail its job. */
const KILLS_PER_TASK_MAX = 2;

it('renders the same with thirty workers that join and leave at random', async () => {
  const random = createRandom(testSeed());
  const farm = await farmOf.start({ workers: 0 });
  const id = await farm.submit();
  const kills: TaskId[] = [];
  for (let i = 0; i < WORKERS; i += 1) {
    const name = `guest-${i}`;
    const { child } = farm.startWorker(name);
    await farm.until(`${name} has begun a task, or none is left`, async () => {
      return farm.starters().has(name) || (await farm.client.get(id)).state === 'done';
    });
    await delay(random() * STAY_MS_MAX);
    const [task] = farm.unfinished(name);
    const isWorn = kills.filter((killedTask) => killedTask === task).length >= KILLS_PER_TASK_MAX;
    if (task === undefined || isWorn || random() < 0.5) child.kill('SIGTERM');
    else {
      await farm.killWorker(name);
      // It died in a task.
      if (farm.unfinished(name).includes(task)) kills.push(task);
    }
  }
  farm.startWorker('last');
  expect(await farm.finish(id)).toBe(farmOf.reference());
  expect(kills.length).toBeGreaterThan(1);
  expect(farm.starters().size).toBeGreaterThan(kills.length);
  farm.checkHistory();
});
