// Where the parts of a farm find each other, and the times that they agree on.

import { BivdiffError } from '../../common/errors.ts';

export const SERVER_DEFAULT = '127.0.0.1:7180';
export const NATS_DEFAULT = 'nats://127.0.0.1:4222';

/** Lease of a task: a worker that is gone is noticed after it, and its task starts elsewhere. */
export const ACK_WAIT_MS = 6_000;

/**
 * Checks an address that a program is to listen on.
 * @throws invalid-argument — malformed, or not loopback: nothing here is encrypted or authenticated
 */
export function checkListenAddress(
  address: string,
  { flag, isInsecureAllowed }: { readonly flag: string; readonly isInsecureAllowed: boolean },
): void {
  const host = /^(\[[0-9a-f:]+\]|[^:]+):\d+$/i.exec(address)?.[1];
  if (host === undefined) {
    throw new BivdiffError('invalid-argument', `${flag}: expected HOST:PORT, got "${address}"`);
  }
  const isLoopback = /^(127\.|localhost$|\[::1\]$)/.test(host);
  if (isLoopback || isInsecureAllowed) return;
  throw new BivdiffError(
    'invalid-argument',
    `${flag}: ${address} is not loopback, and this program has neither TLS nor tokens: anybody who reaches it could use it`,
    { hint: 'Listen on 127.0.0.1, or add --insecure if the network is trusted.' },
  );
}
