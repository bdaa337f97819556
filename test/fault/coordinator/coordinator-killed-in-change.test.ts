// Goal: what a coordinator has changed holds, though it died before it told anybody or did what follows from it. Method: coordinators that kill
// themselves (SIGKILL) at a named place: where a job is cancelled, and where a lost result is to be made again.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { killed } from '../../support/farm/farm-program.ts';
import { answers, startArmed, useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();

it('has cancelled the job, though it told nobody', async () => {
  const farm = await farmOf.start();
  await killed(farm.coordinator!.child);
  const death = startArmed(farm, { point: 'entry-put', of: 'cancelled' });
  await answers(farm);
  const running = farm.inTheMiddle('w1');
  const id = await farm.submit();
  await running;
  await expect(farm.client.cancel(id)).rejects.toThrow();
  await death();
  farm.startCoordinator();
  await answers(farm);
  expect((await farm.client.get(id)).state).toBe('cancelled');
  // What was out may run to its end; nothing is published after it.
  await farm.until('nothing runs any more', async () => {
    const { workers } = await farm.client.workers();
    return workers.length === 2 && workers.every((worker) => worker.running.length === 0);
  });
  expect((await farm.client.get(id)).state).toBe('cancelled');
  await farm.client.resume(id);
  expect(await farm.finish(id)).toBe(farmOf.reference());
  farm.checkHistory();
});

it('has a lost result made again, though it had only forgotten it', async () => {
  const farm = await farmOf.start({ workers: 0 });
  await killed(farm.coordinator!.child);
  const death = startArmed(farm, { point: 'record-dropped' });
  farm.startWorker('maker', ['--no-serve'], { pools: ['idm'] });
  farm.startWorker('reader', ['--no-serve'], { pools: ['mixer', 'vdm'] });
  await farm.seesWorkers(2);
  const made = farm.next((event) => {
    return event.kind === 'committed' && event.result.stage === 'encode';
  });
  const id = await farm.submit();
  const { taskId } = await made;
  const { digest } = Object.values(farm.recordOf(taskId)!.outputs)[0]![0]!;
  farm.strikes({ kind: 'damages', taskId });
  await rm(join(farm.store, 'artifacts', digest.slice(0, 2), digest));
  await death();
  expect(await farm.hasRecord(taskId)).toBe(false);
  farm.startCoordinator();
  expect(await farm.finish(id)).toBe(farmOf.reference());
  // Once more for each reader that has missed it.
  expect(farm.starts().get(taskId)).toBeGreaterThan(1);
  farm.checkHistory();
});
