// Where the parts of a farm find each other, and the times that they agree on.

import { BivdiffError } from '../../common/errors.ts';
import { isLoopback } from '../../common/rpc/channel.ts';

export const SERVER_DEFAULT = '127.0.0.1:7180';
export const NATS_DEFAULT = 'nats://127.0.0.1:4222';

/** Lease of a task: a worker that is gone is noticed after it, and its task starts elsewhere. */
export const ACK_WAIT_MS = 4_000;

export interface ListenSafety {
  readonly hasTls: boolean;
  readonly hasTokens: boolean;
  readonly isInsecureAllowed: boolean;
}

/** What makes each address safe. */
const HINTS = {
  '--listen':
    'Listen on 127.0.0.1; or give --tls-cert, --tls-key and --tokens; or add --insecure if the network is trusted.',
  '--serve':
    'Add --serve-tls with --tls-ca, --tls-cert and --tls-key; or serve on 127.0.0.1, or use --no-serve; or add --insecure if the network is trusted.',
} as const;

type ListenFlag = keyof typeof HINTS;

/** `host` as it was given, IPv6 in brackets. @throws invalid-argument — it is no HOST:PORT */
export function hostPortOf(
  address: string,
  flag: string,
): { readonly host: string; readonly port: number } {
  const [, host, digits] = /^(\[[0-9a-f:]+\]|[^:]+):(\d{1,5})$/i.exec(address) ?? [];
  const port = Number(digits);
  if (host === undefined || port > 65_535) {
    throw new BivdiffError('invalid-argument', `${flag}: expected HOST:PORT, got "${address}"`);
  }
  return { host, port };
}

/**
 * Checks an address that a program is to listen on.
 * @throws invalid-argument — malformed, or not loopback without TLS and tokens
 */
export function checkListenAddress(
  address: string,
  { flag, ...safety }: ListenSafety & { readonly flag: ListenFlag },
): void {
  const { host } = hostPortOf(address, flag);
  const { hasTls, hasTokens, isInsecureAllowed } = safety;
  if (isLoopback(host) || isInsecureAllowed || (hasTls && hasTokens)) return;
  const missing = [...(hasTls ? [] : ['TLS']), ...(hasTokens ? [] : ['tokens'])];
  const what = hasTls
    ? 'anybody who reaches it could use it'
    : 'what it sends and takes could be read and changed on its way';
  throw new BivdiffError(
    'invalid-argument',
    `${flag}: ${address} is not loopback, and this program has no ${missing.join(' and no ')}: ${what}`,
    { hint: HINTS[flag] },
  );
}
