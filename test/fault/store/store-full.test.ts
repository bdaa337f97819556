// Goal: a full store stops a job for as long as it is full, and loses nothing. Method: the store of the farm is a small disk; while
// frames are generated a file takes all its room, and is removed when every worker has failed for want of room many times.

import { mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, expect, it } from 'vitest';

import type { WorkerEvent } from '../../../common/bus/ports.ts';
import { DEFAULT_FAILURE_POLICY } from '../../../coordinator/domain/failure-policy.ts';
import { fillDisk, sharedSmallDisk } from '../../support/conformance/small-disk.ts';
import type { SharedSmallDisk } from '../../support/conformance/small-disk.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
let disk: SharedSmallDisk | undefined;
afterEach(async () => {
  await disk?.close();
  disk = undefined;
});

it('waits until there is room again', async () => {
  const farm = await farmOf.start({
    surroundings: async (folder) => {
      const store = join(folder, 'store');
      await mkdir(store);
      disk = await sharedSmallDisk(store, 'size=64m');
      return { prefix: disk.prefix };
    },
  });
  const store = disk!.folder;
  const running = farm.inTheMiddle('w1');
  const id = await farm.submit();
  await running;
  const filler = join(store, 'filler');
  await fillDisk(filler);
  expect((await statfs(store)).bavail).toBe(0);
  const failures = new Map<string, number>();
  const { attemptsMax } = DEFAULT_FAILURE_POLICY;
  await farm.next((event) => {
    if (isFull(event)) failures.set(event.taskId, (failures.get(event.taskId) ?? 0) + 1);
    return [...failures.values()].some((count) => count > attemptsMax);
  });
  expect((await farm.client.get(id)).state).toBe('running');
  // Somebody has to make room: it says so.
  expect(farm.coordinator!.log()).toContain('the disk is full');
  await rm(filler);
  expect(await farm.finish(id)).toBe(farmOf.reference());
  // What did not fit is done again, and nothing else.
  farm.checkHistory();
});

function isFull(event: WorkerEvent): boolean {
  return event.kind === 'failed' && event.failure.code === 'resource-exhausted';
}
