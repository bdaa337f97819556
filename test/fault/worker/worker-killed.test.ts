// Goal: a worker that dies in the middle of a task costs that task's time, and nothing else. Method: SIGKILL the worker that
// says it has begun a task of the stage, in each stage; its task must start on the other worker.

import { expect, it } from 'vitest';

import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();

it.each([
  'ingest',
  'generate',
  'encode',
  'invert-image',
  'invert-video',
  'smooth',
  'decode',
  'measure',
  'assemble',
] as const)('goes on elsewhere when a worker is killed in %s', async (stage) => {
  const farm = await farmOf.start();
  const begun = farm.started(stage);
  const id = await farm.submit();
  const { worker, taskId } = await begun;
  await farm.killWorker(worker);
  // The fault hits the task: it has no result, and whom we killed never gave it one.
  expect(await farm.hasRecord(taskId)).toBe(false);
  const again = await farm.next((event) => event.kind === 'started' && event.taskId === taskId);
  expect(again.worker).not.toBe(worker);
  expect(await farm.finish(id)).toBe(farmOf.reference());
  const finishers = farm.events.filter(
    (event) => event.kind === 'committed' && event.taskId === taskId,
  );
  expect(finishers.map((event) => event.worker)).not.toContain(worker);
  // What it had begun begins once more, and nothing else.
  farm.checkHistory();
});
