// Goal: a job whose results are all there does not fail because there is no room for its manifest. Method: the
// coordinator stands still while the last result is committed and the disk is filled to the last page, or nearly so.

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, expect, it } from 'vitest';

import { fillDisk, sharedSmallDisk } from '../../support/conformance/small-disk.ts';
import type { SharedSmallDisk } from '../../support/conformance/small-disk.ts';
import { stopWhen, workedMs } from '../../support/farm/slow-motion.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
/** After so much work on a task its worker has heard that the coordinator knows that it began. */
const WORKED_MS = 2;
let disk: SharedSmallDisk | undefined;
afterEach(async () => {
  await disk?.close();
  disk = undefined;
});

it.each([0, 1])('concludes a job once there is room again, with %i pages left', async (pages) => {
  const farm = await farmOf.start({
    // Whoever takes the last task, it is this one.
    workers: 1,
    surroundings: async (folder) => {
      const store = join(folder, 'store');
      await mkdir(store);
      disk = await sharedSmallDisk(store, 'size=64m');
      return { prefix: disk.prefix };
    },
  });
  const store = disk!.folder;
  const published = farm.published('assemble');
  const id = await farm.submit();
  await published;
  const { stages } = await farm.client.get(id);
  const tasks = stages.reduce((sum, stage) => sum + stage.total, 0);
  const { child } = farm.workers.get('w1')!;
  let beganAtMs: number | undefined;
  await stopWhen(child.pid!, async () => {
    const isLast = (await countRecords(store)) === tasks - 1;
    if (!isLast || farm.unfinished('w1').length === 0) return false;
    beganAtMs ??= await workedMs(child.pid!);
    return (await workedMs(child.pid!)) - beganAtMs >= WORKED_MS;
  });
  const committed = farm.next((event) => event.kind === 'committed');
  farm.coordinator!.child.kill('SIGSTOP');
  child.kill('SIGCONT');
  await committed;
  // Between two tries to conclude it, it waits in its order.
  const isOver = async (): Promise<boolean> =>
    !['running', 'queued'].includes((await farm.client.get(id)).state);
  const filler = join(store, 'filler');
  await fillDisk(filler, { leavePages: pages });
  farm.coordinator!.child.kill('SIGCONT');
  await farm.until('the coordinator has found no room', async () => {
    return farm.coordinator!.log().includes('the disk is full') || (await isOver());
  });
  const seen = await farm.client.get(id);
  expect(['running', 'queued'], JSON.stringify(seen.failure)).toContain(seen.state);
  await rm(filler);
  expect(await farm.finish(id)).toBe(farmOf.reference());
  farm.checkHistory({ extraStartsMax: 0 });
});

async function countRecords(store: string): Promise<number> {
  const files = await readdir(join(store, 'records'), { recursive: true });
  return files.filter((name) => name.endsWith('.json')).length;
}
