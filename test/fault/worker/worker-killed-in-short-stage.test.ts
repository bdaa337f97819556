// Goal: a worker that dies in the middle of a task of some milliseconds costs that task's time, and nothing else. Method: the worker kills
// itself (SIGKILL) in the task, when it has stored what the task made, and no record says so.

import { expect, it } from 'vitest';

import { died } from '../../support/farm/farm-program.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();

it.each(['annotate', 'mix'] as const)(
  'goes on elsewhere when a worker is killed in %s',
  async (stage) => {
    const farm = await farmOf.start({ workers: 0 });
    const w1 = farm.startWorker('w1', [], { failAt: { point: 'artifacts-put', of: stage } });
    await farm.seesWorkers(1);
    const begun = farm.started(stage);
    const id = await farm.submit();
    const { taskId } = await begun;
    await died(w1);
    farm.strikes({ kind: 'loses', worker: 'w1' });
    // It died in the task.
    expect(farm.unfinished('w1')).toContain(taskId);
    expect(await farm.hasRecord(taskId)).toBe(false);
    farm.startWorker('w2');
    const again = await farm.next((event) => event.kind === 'started' && event.taskId === taskId);
    expect(again.worker).toBe('w2');
    expect(await farm.finish(id)).toBe(farmOf.reference());
    farm.checkHistory();
  },
);
