// Goal: a client whose coordinator's machine vanishes is told so, whatever it waits for. Method: a real server behind a proxy that swallows
// everything from some moment on; keepalives of a second in place of ten.

import { afterEach, beforeEach, expect, it } from 'vitest';

import { FarmClient } from '../../../../cli/farm/farm-client.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';
import { GuardedFarm, submission } from '../../../support/farm/guarded-farm.ts';
import { startTcpProxy } from '../../../support/network/tcp-proxy.ts';
import type { TcpProxy } from '../../../support/network/tcp-proxy.ts';

let farm: GuardedFarm;
let proxy: TcpProxy;
let client: FarmClient;
beforeEach(async () => {
  farm = await GuardedFarm.start();
  proxy = await startTcpProxy(farm.address);
  client = new FarmClient(proxy.address, { keepalive: { timeMs: 1_000, timeoutMs: 1_000 } });
});
afterEach(async () => {
  client.close();
  await proxy.close();
  await farm.close();
});

it(
  'a watch, a log and a call end when nothing comes back any more',
  { timeout: 25_000 },
  async () => {
    const source = await client.putArtifact(Buffer.from('a clip'));
    const { id } = await client.submit(submission(source));
    const watch = client.watch(id);
    const log = client.log(id, { follow: true });
    await watch.next();
    // Submitted, and begun; the job waits for workers, so nothing follows.
    await log.next();
    await log.next();
    proxy.blackHole();
    const ends = [watch.next(), log.next(), client.pause(id)];
    for (const end of ends) await failureOf(end, 'unavailable');
    expect(proxy.swallowedBytes).toBeGreaterThan(0);
  },
);

it('a watch of a job that does nothing goes on while the machine is there', async () => {
  const source = await client.putArtifact(Buffer.from('a clip'));
  const { id } = await client.submit(submission(source));
  const watch = client.watch(id);
  await watch.next();
  const reachesSeven = (async () => {
    // That it waits for workers may be told between.
    for await (const { priority } of watch) if (priority === 7) return true;
    return false;
  })();
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  await client.setPriority(id, 7);
  expect(await reachesSeven).toBe(true);
  await watch.return();
});
