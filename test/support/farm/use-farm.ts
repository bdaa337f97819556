// A farm for each fault test, and what the job's video must be: the bytes that an undisturbed render in one process makes.

import { afterEach, expect, inject } from 'vitest';

import type { FailAt } from './arm-failure-point.ts';
import { died } from './farm-program.ts';
import type {} from './fault-reference.ts';
import { FaultFarm } from './fault-farm.ts';
import type { FarmOptions } from './fault-farm.ts';
import { startTcpProxy } from '../network/tcp-proxy.ts';
import type { Filter, TcpProxy } from '../network/tcp-proxy.ts';

export interface FarmHarness {
  /** Starts this test's farm; closed after it. */
  start(options?: FarmOptions): Promise<FaultFarm>;
  /** Puts a network of its own before a server (HOST:PORT or an URL); closed after the farm. */
  proxy(server: string, filter?: Filter): Promise<TcpProxy>;
  readonly reference: () => string;
}

/** Waits for a coordinator that was started last to take calls. */
export async function answers(farm: FaultFarm): Promise<void> {
  await farm.until('the coordinator answers', async () => (await farm.client.list()).length >= 0);
}

/** Starts a coordinator that dies there; what it gives waits for that. */
export function startArmed(farm: FaultFarm, failAt: FailAt): () => Promise<void> {
  const program = farm.startCoordinator(undefined, { failAt });
  return async () => {
    await died(program);
    expect(program.child.signalCode, program.log()).toBe('SIGKILL');
  };
}

export function useFarm(): FarmHarness {
  let farm: FaultFarm | undefined;
  const proxies: TcpProxy[] = [];
  afterEach(async () => {
    await farm?.close();
    farm = undefined;
    for (const proxy of proxies.splice(0)) await proxy.close();
  });
  return {
    start: async (options) => (farm = await FaultFarm.start(options)),
    proxy: async (server, filter) => {
      const proxy = await startTcpProxy(server, filter);
      proxies.push(proxy);
      return proxy;
    },
    reference: () => inject('faultReference'),
  };
}
