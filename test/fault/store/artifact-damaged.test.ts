// Goal: what the disk lost is made again. Method: damage a latent of the clip behind the store's back, after it was committed
// and before it is read: by a worker that can have it from nowhere else.

import { readdir, readFile, chmod, writeFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import type { WorkerEvent } from '../../../common/bus/ports.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();

it.each([
  ['cut short', (path: string) => truncate(path, 100)],
  ['changed by one bit', flipBit],
])('makes an artifact again that was %s', async (_, damage) => {
  const farm = await farmOf.start({ workers: 0 });
  farm.startWorker('maker', ['--no-serve'], { pools: ['idm'] });
  farm.startWorker('reader', ['--no-serve'], { pools: ['mixer', 'vdm'] });
  await farm.seesWorkers(2);
  const isFirst = (event: WorkerEvent): boolean =>
    event.kind === 'committed' && event.result.stage === 'encode';
  const committed = farm.next(isFirst);
  const id = await farm.submit();
  const event = await committed;
  const { digest } = Object.values(farm.recordOf(event.taskId)!.outputs)[0]![0]!;
  const path = join(farm.store, 'artifacts', digest.slice(0, 2), digest);
  await chmod(path, 0o644);
  await damage(path);
  expect(await farm.finish(id)).toBe(farmOf.reference());
  // It was noticed: the bad bytes are aside, and the task that made them ran again.
  expect(await readdir(join(farm.store, 'quarantine'))).not.toEqual([]);
  const makers = farm.events.filter((one) => one.kind === 'started' && one.taskId === event.taskId);
  expect(makers.length).toBeGreaterThan(1);
});

async function flipBit(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[50] = bytes[50]! ^ 1;
  await writeFile(path, bytes);
}
