// Goal: a network that fails between the coordinator and NATS costs time, and nothing else. Method: the coordinator reaches NATS
// through a proxy that is cut, swallows everything, or is slow, while its workers run tasks.

import { setTimeout as delay } from 'node:timers/promises';

import { expect, it } from 'vitest';

import { ACK_WAIT_MS } from '../../../cli/flags/farm-settings.ts';
import { killed } from '../../support/farm/farm-program.ts';
import type { FaultFarm } from '../../support/farm/fault-farm.ts';
import type { TcpProxy } from '../../support/network/tcp-proxy.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
const BROKEN_MS = ACK_WAIT_MS + 3_000;
/** An ocean and back takes twice this. The coordinator asks NATS one thing at a time, a few for each task. */
const SLOW_MS = 100;

/** A farm whose coordinator alone is behind a proxy. */
async function startFarm(): Promise<{ farm: FaultFarm; proxy: TcpProxy }> {
  const farm = await farmOf.start({ workers: 0 });
  const proxy = await farmOf.proxy(farm.nats.url);
  await killed(farm.coordinator!.child);
  farm.startCoordinator(undefined, { nats: `nats://${proxy.address}` });
  for (const name of ['w1', 'w2']) farm.startWorker(name);
  await farm.seesWorkers(2);
  return { farm, proxy };
}

it.each([
  ['cut', (proxy: TcpProxy) => proxy.cut(), (proxy: TcpProxy) => proxy.resets],
  [
    'a black hole',
    (proxy: TcpProxy) => proxy.blackHole(),
    (proxy: TcpProxy) => proxy.swallowedBytes,
  ],
])('goes on after its way to NATS was %s', async (_, breakIt, harm) => {
  const { farm, proxy } = await startFarm();
  const running = Promise.all([farm.inTheMiddle('w1'), farm.inTheMiddle('w2')]);
  const id = await farm.submit();
  await running;
  breakIt(proxy);
  // The fault hits tasks that run: their ends are not heard.
  expect(farm.unfinished('w1').length + farm.unfinished('w2').length).toBeGreaterThan(0);
  await delay(BROKEN_MS);
  expect(harm(proxy)).toBeGreaterThan(0);
  const { state } = await farm.client.get(id);
  expect(state).toBe('running');
  const before = new Set(farm.events.map(({ taskId }) => taskId)).size;
  proxy.pass();
  // It hears of them by itself, and publishes what has become possible.
  await farm.until('tasks are published again', async () => {
    return new Set(farm.events.map(({ taskId }) => taskId)).size > before;
  });
  expect(await farm.finish(id)).toBe(farmOf.reference());
  // Its workers are not: what they hold stays theirs.
  farm.checkHistory();
});

it('renders the same over a slow network', async () => {
  const { farm, proxy } = await startFarm();
  proxy.delay(SLOW_MS);
  const id = await farm.submit();
  expect(await farm.finish(id)).toBe(farmOf.reference());
  expect(proxy.delayedBytes).toBeGreaterThan(0);
  // Its workers are not: what they hold stays theirs.
  farm.checkHistory();
});
