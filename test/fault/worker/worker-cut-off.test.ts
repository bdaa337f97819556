// Goal: a network that fails between a worker and NATS costs time, and nothing else. Method: the worker reaches NATS through a
// proxy that is cut, swallows everything, or is slow. Cut or swallowed for longer than the lease of the task it runs.

import { setTimeout as delay } from 'node:timers/promises';

import { expect, it } from 'vitest';

import { ACK_WAIT_MS } from '../../../cli/flags/farm-settings.ts';
import type { TcpProxy } from '../../support/network/tcp-proxy.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
const BROKEN_MS = ACK_WAIT_MS + 3_000;
const SLOW_MS = 300;

it.each([
  ['cut', (proxy: TcpProxy) => proxy.cut(), (proxy: TcpProxy) => proxy.resets],
  [
    'a black hole',
    (proxy: TcpProxy) => proxy.blackHole(),
    (proxy: TcpProxy) => proxy.swallowedBytes,
  ],
])('gives a task to another while the way to its worker is %s', async (_, breakIt, harm) => {
  const farm = await farmOf.start({ workers: 1 });
  const proxy = await farmOf.proxy(farm.nats.url);
  farm.startWorker('far', [], { nats: `nats://${proxy.address}` });
  await farm.seesWorkers(2);
  const running = farm.inTheMiddle('far');
  const id = await farm.submit();
  const { taskId } = await running;
  farm.strikes({ kind: 'loses', worker: 'far' });
  breakIt(proxy);
  const healed = delay(BROKEN_MS);
  // The fault hits the task: it was not done, and who took it over heard nothing of the far one.
  expect(farm.unfinished('far')).toContain(taskId);
  const { worker } = await farm.next(
    (event) => event.taskId === taskId && ['started', 'committed'].includes(event.kind),
  );
  expect(worker).toBe('w1');
  await healed;
  expect(harm(proxy)).toBeGreaterThan(0);
  // It comes back by itself.
  const back = farm.next((event) => event.worker === 'far');
  proxy.pass();
  await back;
  expect(await farm.finish(id)).toBe(farmOf.reference());
  farm.checkHistory();
});

it('renders the same over a slow network', async () => {
  const farm = await farmOf.start({ workers: 1 });
  const proxy = await farmOf.proxy(farm.nats.url);
  proxy.delay(SLOW_MS);
  farm.startWorker('far', [], { nats: `nats://${proxy.address}` });
  await farm.seesWorkers(2);
  const id = await farm.submit();
  expect(await farm.finish(id)).toBe(farmOf.reference());
  expect(proxy.delayedBytes).toBeGreaterThan(0);
  const doneFar = farm.events.filter(
    ({ kind, worker }) => kind === 'committed' && worker === 'far',
  );
  // Few: each of its questions takes 600 ms, and the near one does not wait.
  expect(doneFar.length).toBeGreaterThan(0);
  farm.checkHistory();
});
