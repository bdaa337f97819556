// Goal: a worker that dies in the middle of a task of some milliseconds costs that task's time, and nothing else. Method: from the
// moment at which the task is published its worker runs in slow motion; it is killed (SIGKILL) when it has said that it began, has
// worked since, and its result is not in the store.

import { expect, it } from 'vitest';

import { killed } from '../../support/farm/farm-program.ts';
import { stopWhen, workedMs } from '../../support/farm/slow-motion.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
/** It must have worked for so long on the task. The shorter of the two stages takes about ten. */
const WORKED_MS = 2;

it.each(['annotate', 'mix'] as const)(
  'goes on elsewhere when a worker is killed in %s',
  async (stage) => {
    const farm = await farmOf.start({ workers: 1 });
    const published = farm.published(stage);
    const id = await farm.submit();
    const taskId = await published;
    const { child } = farm.workers.get('w1')!;
    let beganAtMs: number | undefined;
    let worked = 0;
    await stopWhen(child.pid!, async () => {
      if (!farm.unfinished('w1').includes(taskId)) return false;
      beganAtMs ??= await workedMs(child.pid!);
      worked = (await workedMs(child.pid!)) - beganAtMs;
      return worked >= WORKED_MS;
    });
    // The fault hits the task: it stands still in the middle of it, and dies there. The result of the one before it may still be
    // being stored.
    expect(await farm.hasRecord(taskId)).toBe(false);
    expect(farm.unfinished('w1').at(-1)).toBe(taskId);
    await killed(child);
    expect(await farm.hasRecord(taskId)).toBe(false);
    farm.startWorker('w2');
    const again = await farm.next((event) => event.kind === 'started' && event.taskId === taskId);
    expect(again.worker).toBe('w2');
    expect(await farm.finish(id)).toBe(farmOf.reference());
    farm.checkHistory({ extraStartsMax: farm.unfinished('w1').length });
  },
);
