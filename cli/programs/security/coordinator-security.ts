// What guards a coordinator: its certificate, whose certificates it wants, the tokens it knows. Read from files: certificates once, at the start.

import { resolve } from 'node:path';

import { ServerCredentials } from '@grpc/grpc-js';

import { BivdiffError } from '../../../common/errors.ts';
import type { CliEnvironment, SecurityVariable } from '../../terminal.ts';
import { openServerCredentials } from './server-credentials.ts';
import { checkListenAddress } from '../../flags/farm-settings.ts';
import type { SecurityFlags } from '../../flags/farm-program-flags.ts';
import { TokenFile } from './token-file.ts';

export interface CoordinatorSecurity {
  readonly credentials: ServerCredentials;
  /** Absent: whoever reaches the coordinator may do everything. */
  readonly tokens: TokenFile | undefined;
}

/**
 * Reads the files; checks that they suffice for the address.
 * @throws invalid-argument — they do not, or do not fit together
 * @throws permission-denied — others may read the key or the tokens
 */
export async function securityOf(
  flags: SecurityFlags,
  { listen, environment }: { readonly listen: string; readonly environment: CliEnvironment },
): Promise<CoordinatorSecurity> {
  const file = (given: string | undefined, variable: SecurityVariable): string | undefined => {
    const path = given ?? environment.variable(variable);
    return path === undefined ? undefined : resolve(environment.folder, path);
  };
  const cert = file(flags.tlsCert, 'BIVDIFF_TLS_CERT');
  const key = file(flags.tlsKey, 'BIVDIFF_TLS_KEY');
  const clientCa = file(flags.tlsClientCa, 'BIVDIFF_TLS_CLIENT_CA');
  const tokens = file(flags.tokens, 'BIVDIFF_TOKENS');
  if ((cert === undefined) !== (key === undefined)) {
    throw new BivdiffError('invalid-argument', '--tls-cert and --tls-key go together');
  }
  if (clientCa !== undefined && cert === undefined) {
    throw new BivdiffError('invalid-argument', '--tls-client-ca needs --tls-cert and --tls-key');
  }
  checkListenAddress(listen, {
    flag: '--listen',
    hasTls: cert !== undefined,
    hasTokens: tokens !== undefined,
    isInsecureAllowed: flags.insecure === true,
  });
  return {
    credentials:
      cert === undefined || key === undefined
        ? ServerCredentials.createInsecure()
        : await openServerCredentials({ cert, key, clientCa }),
    tokens: tokens === undefined ? undefined : await TokenFile.open(tokens, '--tokens'),
  };
}
