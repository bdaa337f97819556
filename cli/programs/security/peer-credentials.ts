// Mutual TLS among workers: each shows its certificate, as server and as client, and talks to whoever has one of the same authority.

import { credentials } from '@grpc/grpc-js';
import type { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';

import { BivdiffError } from '../../../common/errors.ts';
import { readKey, readPem } from '../../../common/rpc/channel.ts';
import type { TlsFiles } from '../../../common/rpc/channel.ts';
import { openServerCredentials } from './server-credentials.ts';

export interface PeerCredentials {
  readonly server: ServerCredentials;
  readonly client: ChannelCredentials;
}

/** @throws invalid-argument — a file is missing, or they do not belong together; permission-denied — others may read the key */
export async function openPeerCredentials({
  ca,
  cert,
  key,
}: TlsFiles = {}): Promise<PeerCredentials> {
  if (ca === undefined || cert === undefined || key === undefined) {
    throw new BivdiffError(
      'invalid-argument',
      '--serve-tls needs --tls-ca, --tls-cert and --tls-key',
      { hint: 'The certificate serves both ends: workers show it to each other.' },
    );
  }
  const server = await openServerCredentials({ cert, key, clientCa: ca });
  const [roots, secret, chain] = [await readPem(ca), await readKey(key), await readPem(cert)];
  // Workers come and go under any address: who signed it says that it is one of the farm, and digests say what its bytes are.
  const checkServerIdentity = (): undefined => undefined;
  return { server, client: credentials.createSsl(roots, secret, chain, { checkServerIdentity }) };
}
