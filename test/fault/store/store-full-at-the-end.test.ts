// Goal: a job whose results are all there does not fail because there is no room for its manifest. Method: the worker
// stands still when it has stored the last result and told nobody; meanwhile the disk is filled to the last page, or nearly so.

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, expect, it } from 'vitest';

import { fillDisk, sharedSmallDisk } from '../../support/conformance/small-disk.ts';
import type { SharedSmallDisk } from '../../support/conformance/small-disk.ts';
import { isStill } from '../../support/farm/slow-motion.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
let disk: SharedSmallDisk | undefined;
afterEach(async () => {
  await disk?.close();
  disk = undefined;
});

it.each([0, 1])('concludes a job once there is room again, with %i pages left', async (pages) => {
  const farm = await farmOf.start({
    workers: 0,
    surroundings: async (folder) => {
      const store = join(folder, 'store');
      await mkdir(store);
      disk = await sharedSmallDisk(store, 'size=64m');
      return { prefix: disk.prefix };
    },
  });
  const store = disk!.folder;
  const id = await farm.submit();
  let tasks = 0;
  await farm.until('the job is planned', async () => {
    const { stages } = await farm.client.get(id);
    tasks = stages.reduce((sum, stage) => sum + stage.total, 0);
    return tasks > 0;
  });
  // Whoever takes the last task, it is this one.
  const failAt = { point: 'record-put', pass: tasks, signal: 'SIGSTOP' } as const;
  const { child } = farm.startWorker('w1', [], { failAt });
  await farm.until('the worker stands still', () => isStill(child.pid!));
  expect(await countRecords(store)).toBe(tasks);
  // Between two tries to conclude it, it waits in its order.
  const isOver = async (): Promise<boolean> =>
    !['running', 'queued'].includes((await farm.client.get(id)).state);
  const filler = join(store, 'filler');
  await fillDisk(filler, { leavePages: pages });
  child.kill('SIGCONT');
  await farm.until('the coordinator has found no room', async () => {
    return farm.coordinator!.log().includes('the disk is full') || (await isOver());
  });
  const seen = await farm.client.get(id);
  expect(['running', 'queued'], JSON.stringify(seen.failure)).toContain(seen.state);
  await rm(filler);
  expect(await farm.finish(id)).toBe(farmOf.reference());
  farm.checkHistory();
});

async function countRecords(store: string): Promise<number> {
  const files = await readdir(join(store, 'records'), { recursive: true });
  return files.filter((name) => name.endsWith('.json')).length;
}
