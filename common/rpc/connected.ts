// Waits for a connection without sending anything: for calls that must not be made twice.

import type { Client } from '@grpc/grpc-js';

import { BivdiffError } from '../errors.ts';
import type { PatientLine } from './calls.ts';

/** @throws unavailable — no connection came about in time, or the wait was ended */
export async function untilConnected(
  client: Client,
  { server, retries }: PatientLine,
): Promise<void> {
  const { patienceMs, signal } = retries;
  await new Promise<void>((resolve, reject) => {
    const fail = (): void => {
      reject(
        new BivdiffError('unavailable', `no coordinator answers at ${server}`, {
          hint: 'Does it run, and can this machine reach it?',
        }),
      );
    };
    signal?.addEventListener('abort', fail, { once: true });
    client.waitForReady(Date.now() + patienceMs, (error) => {
      signal?.removeEventListener('abort', fail);
      if (error === undefined) resolve();
      else fail();
    });
  });
}
