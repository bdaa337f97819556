// What a server of ours shows, and whose certificates it wants.

import { createSecureContext } from 'node:tls';

import { ServerCredentials } from '@grpc/grpc-js';

import { badTls, readKey, readPem } from '../../../common/rpc/channel.ts';

/** Paths of PEM files. */
export interface ServerFiles {
  readonly cert: string;
  readonly key: string;
  /** Who signs the certificates that it wants of clients; undefined: it wants none. */
  readonly clientCa: string | undefined;
}

/** @throws invalid-argument — the files do not belong together; permission-denied — others may read the key */
export async function openServerCredentials(files: ServerFiles): Promise<ServerCredentials> {
  const { cert, key, clientCa } = files;
  const pair = { cert_chain: await readPem(cert), private_key: await readKey(key) };
  const roots = clientCa === undefined ? null : await readPem(clientCa);
  try {
    // Says at once what the server would say at the first call.
    createSecureContext({ cert: pair.cert_chain, key: pair.private_key });
    return ServerCredentials.createSsl(roots, [pair], roots !== null);
  } catch (reason) {
    throw badTls([cert, key, clientCa], reason);
  }
}
