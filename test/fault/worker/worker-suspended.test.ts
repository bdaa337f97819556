// Goal: a worker that wakes up after its lease has lapsed does no harm. Method: SIGSTOP it in a task, wait until another has
// done the task, SIGCONT it.

import { expect, it } from 'vitest';

import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();

it('takes a late result for what it is', async () => {
  const farm = await farmOf.start();
  const begun = farm.started('smooth');
  const id = await farm.submit();
  const { worker, taskId } = await begun;
  farm.strikes({ kind: 'loses', worker });
  farm.workers.get(worker)!.child.kill('SIGSTOP');
  // The fault hits the task: it has no result yet.
  expect(await farm.hasRecord(taskId)).toBe(false);
  const done = await farm.next((event) => event.kind === 'committed' && event.taskId === taskId);
  expect(done.worker).not.toBe(worker);
  const late = farm.next(
    (event) => event.kind === 'committed' && event.taskId === taskId && event.worker === worker,
  );
  farm.workers.get(worker)!.child.kill('SIGCONT');
  await late;
  expect(await farm.finish(id)).toBe(farmOf.reference());
  farm.checkHistory();
});
