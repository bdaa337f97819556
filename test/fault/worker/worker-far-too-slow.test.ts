// Goal: a worker that is alive and far slower than the others holds up no job. Method: it runs in slow motion from the moment at which
// it begins a task, until that task has a result.

import { expect, it } from 'vitest';

import { stopWhen } from '../../support/farm/slow-motion.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
/** Between moments of 2 ms: some thirty times as slow as it was. */
const STILL_MS = 60;

it('gives its task to an idle worker too', async () => {
  const farm = await farmOf.start();
  const begun = farm.next(
    ({ kind, worker, ...event }) =>
      kind === 'started' && worker === 'w1' && 'stage' in event && event.stage === 'generate',
  );
  const id = await farm.submit();
  const { taskId } = await begun;
  const { child } = farm.workers.get('w1')!;
  await stopWhen(child.pid!, () => farm.hasRecord(taskId), STILL_MS);
  child.kill('SIGCONT');
  const lines = [];
  for await (const line of farm.client.log(id, { follow: false })) lines.push(line);
  // The fault hits the task: it was too slow there, and nothing else was wrong with it.
  expect(lines.filter(({ task }) => task?.id === taskId).map(({ kind }) => kind)).toEqual([
    'task-begun',
    'task-copied',
    'task-begun',
  ]);
  const made = farm.events.find((event) => event.kind === 'committed' && event.taskId === taskId);
  expect(made?.worker).toBe('w2');
  expect(await farm.finish(id)).toBe(farmOf.reference());
  // Each copy is a start more, also one of what it had at hand.
  farm.checkHistory();
});
