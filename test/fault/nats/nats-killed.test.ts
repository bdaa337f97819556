// Goal: the bus can die. Method: SIGKILL nats-server while frames are generated and start it again; its stream lived in memory,
// so everything that was on it is gone.

import { expect, it } from 'vitest';

import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();

it('publishes again what was on a nats-server that was killed', async () => {
  const farm = await farmOf.start();
  const begun = farm.started('generate');
  const id = await farm.submit();
  const { worker, taskId } = await begun;
  farm.strikes({ kind: 'loses' });
  await farm.nats.signal('SIGKILL');
  // The fault hits the task: nobody has heard of its end.
  expect(farm.unfinished(worker)).toContain(taskId);
  await farm.nats.start();
  expect(await farm.finish(id)).toBe(farmOf.reference());
  farm.checkHistory();
});

it('does so too when its data is deleted', async () => {
  const farm = await farmOf.start();
  const begun = farm.started('invert-video');
  const id = await farm.submit();
  const { worker, taskId } = await begun;
  farm.strikes({ kind: 'loses' });
  await farm.nats.signal('SIGKILL');
  // The fault hits the task: nobody has heard of its end.
  expect(farm.unfinished(worker)).toContain(taskId);
  await farm.nats.deleteData();
  await farm.nats.start();
  expect(await farm.finish(id)).toBe(farmOf.reference());
  farm.checkHistory();
});
