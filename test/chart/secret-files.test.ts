// What the chart draws, read by the programs' own readers from files as pods have them.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { natsConfigText, readNatsUsers } from '../../cli/farm/nats-config.ts';
import { natsAccessOf } from '../../cli/flags/connection.ts';
import { openPeerCredentials } from '../../cli/programs/security/peer-credentials.ts';
import { openServerCredentials } from '../../cli/programs/security/server-credentials.ts';
import { TokenFile } from '../../cli/programs/security/token-file.ts';
import { createSampleEnvironment } from '../unit/cli/sample-environment.ts';
import type { Rendered } from '../support/kubernetes/chart/objects.ts';
import { renderChart } from '../support/kubernetes/chart/render-chart.ts';

let folder: string;
let chart: Rendered;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-secret-files-'));
  chart = await renderChart();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(secret: string, key: string): Promise<string> {
  const { data } = chart.one('Secret', `farm-bivdiff-${secret}`);
  const path = join(folder, `${secret}-${key}`);
  await writeFile(path, Buffer.from(data[key], 'base64'), { mode: 0o600 });
  return path;
}

describe('what the chart draws', () => {
  it('are users from which a configuration of NATS is made', async () => {
    const users = await readNatsUsers(await file('nats-users', 'users.yaml'));
    const text = natsConfigText({ users, listen: '0.0.0.0:4222', storeFolder: '/data' });
    expect(text).toContain('user: "coordinator"');
    expect(text).toContain('_INBOX_worker.>');
  });

  it.each(['coordinator', 'worker'])('is a login of NATS for the %s', async (role) => {
    const natsCredentials = await file('nats-users', `${role}.yaml`);
    const environment = createSampleEnvironment({ folder });
    const login = await natsAccessOf({ natsCredentials }, environment);
    const users = await readNatsUsers(await file('nats-users', 'users.yaml'));
    const { user, password } = users.find((one) => one.role === role)!;
    expect(login).toEqual({ user, password });
  });

  it('are tokens that the coordinator reads', async () => {
    const tokens = await TokenFile.open(await file('tokens', 'tokens.yaml'), '--tokens');
    expect(tokens.shareOf('admin')).toBeDefined();
  });

  it.each(['coordinator', 'nats'])('is a certificate that a server can show: %s', async (of) => {
    const cert = await file(`${of}-tls`, 'tls.crt');
    const key = await file(`${of}-tls`, 'tls.key');
    await openServerCredentials({ cert, key, clientCa: undefined });
  });

  it('is a certificate that workers show each other', async () => {
    const ca = await file('worker-tls', 'ca.crt');
    const cert = await file('worker-tls', 'tls.crt');
    const key = await file('worker-tls', 'tls.key');
    expect(await openPeerCredentials({ ca, cert, key })).toHaveProperty('server');
  });
});
