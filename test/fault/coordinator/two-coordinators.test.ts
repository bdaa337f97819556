// Goal: two coordinators on one store do no harm. Method: start a second one in mid-render; the first must step down by itself.

import { once } from 'node:events';

import { expect, it } from 'vitest';

import { FarmClient } from '../../../cli/farm/farm-client.ts';
import { freePort } from '../../support/network/ports.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();

it('lets the newer one go on, and the older one step down', async () => {
  const farm = await farmOf.start();
  const begun = farm.started('generate');
  const id = await farm.submit();
  await begun;
  const first = farm.coordinator!;
  const ended = once(first.child, 'exit');
  const port = await freePort();
  farm.startCoordinator(port);
  const [code] = (await ended) as [number];
  expect(code).toBe(1);
  expect(first.log()).toContain('another coordinator has taken over');
  // The job was not over when it stepped down.
  const before = farm.events.length;
  const client = new FarmClient(`127.0.0.1:${port}`);
  await farm.until('the newer one has finished the job', async () => {
    return (await client.get(id)).state === 'done';
  });
  client.close();
  expect(farm.events.slice(before).some(({ kind }) => kind === 'committed')).toBe(true);
  farm.startCoordinator();
  expect(await farm.finish(id)).toBe(farmOf.reference());
  // Both published the same tasks, and each had one message.
  farm.checkHistory();
});
