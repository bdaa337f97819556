// Goal: who does not trust the farm's certificate does not talk to it, and who has no certificate that it wants is not listened to.
// Method: real servers, real certificates by openssl, real clients.

import { readFile } from 'node:fs/promises';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { securityOf } from '../../../../cli/programs/security/coordinator-security.ts';
import type { SecurityFlags } from '../../../../cli/flags/farm-program-flags.ts';
import { openWorkerStore } from '../../../../cli/programs/open-worker-store.ts';
import type { TlsFiles } from '../../../../common/rpc/channel.ts';
import { makeCertificates } from '../../../support/network/certificates.ts';
import type { Certificates } from '../../../support/network/certificates.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';
import { GuardedFarm } from '../../../support/farm/guarded-farm.ts';
import { createSampleEnvironment } from '../../../unit/cli/sample-environment.ts';

let certificates: Certificates;
let farm: GuardedFarm | undefined;
beforeAll(async () => {
  certificates = await makeCertificates();
});
afterEach(async () => {
  await farm?.close();
  farm = undefined;
});
afterAll(() => certificates.remove());

async function start(flags: SecurityFlags): Promise<GuardedFarm> {
  const environment = createSampleEnvironment();
  const { credentials } = await securityOf(flags, { listen: '127.0.0.1:0', environment });
  return (farm = await GuardedFarm.start({ credentials }));
}

const own = (): SecurityFlags => ({
  tlsCert: certificates.server.cert,
  tlsKey: certificates.server.key,
});

describe('a coordinator with a certificate', () => {
  it('serves who trusts its authority, and nobody else', async () => {
    const served = await start(own());
    const trusting = await served.client(undefined, { tls: { ca: certificates.ca } });
    expect(await trusting.list()).toEqual([]);
    for (const tls of [{ ca: certificates.strangerCa }, undefined] as const) {
      const server = `grpcs://${served.address}`;
      const doubting = await served.client(undefined, { server, tls });
      const error = await failureOf(doubting.list(), 'failed-precondition');
      expect(error.message).toContain('certificate');
      expect(error.hint).toContain('--tls-ca');
    }
    const unaware = await served.client();
    await failureOf(unaware.list(), 'unavailable');
  });

  it('serves the store of a worker by grpcs://', async () => {
    const served = await start(own());
    const store = await openWorkerStore(`grpcs://${served.address}`, {
      access: { tls: { ca: certificates.ca } },
      signal: AbortSignal.timeout(20_000),
    });
    const digest = await store.putArtifact(Buffer.from('some bytes'));
    expect(Buffer.from(await store.getArtifact(digest)).toString()).toBe('some bytes');
    await store.close();
  });
});

describe('a coordinator that wants certificates of its clients', () => {
  it('serves those of its authority, and nobody else', async () => {
    const served = await start({ ...own(), tlsClientCa: certificates.ca });
    const { ca, client, strangerClient } = certificates;
    const known = await served.client(undefined, { tls: { ca, ...client } });
    expect(await known.list()).toEqual([]);
    const others: TlsFiles[] = [{ ca }, { ca, ...strangerClient }];
    for (const tls of others) {
      const unknown = await served.client(undefined, { tls });
      await expect(unknown.list()).rejects.toThrow(/no coordinator answers|no TLS with/);
    }
  });
});

describe('files that do not go together', () => {
  it('are told before anything is served', async () => {
    const { server, client } = certificates;
    const environment = createSampleEnvironment();
    const at = { listen: '127.0.0.1:0', environment };
    for (const [flags, message] of [
      [{ tlsCert: server.cert }, '--tls-cert and --tls-key go together'],
      [{ tlsClientCa: certificates.ca }, '--tls-client-ca needs'],
      [{ tlsCert: server.cert, tlsKey: client.key }, server.cert],
      [{ tlsCert: server.key, tlsKey: server.key }, server.key],
    ] as const) {
      const error = await failureOf(securityOf(flags, at), 'invalid-argument');
      expect(error.message).toContain(message);
      expect(JSON.stringify(error)).not.toContain(await secretLine());
    }
  });
});

/** A line of the server's key that no message may repeat. */
async function secretLine(): Promise<string> {
  return (await readFile(certificates.server.key, 'utf8')).split('\n')[1]!;
}
