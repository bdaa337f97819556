// Who trusts whom: certificates, tokens, NATS users, by each way of having them.

import { createHash, X509Certificate } from 'node:crypto';

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { parseTokens } from '../../coordinator/rpc/access/token-book.ts';
import type { Rendered, Yaml } from '../support/kubernetes/chart/objects.ts';
import {
  ciValues,
  helmTemplate,
  renderAnew,
  renderChart,
} from '../support/kubernetes/chart/render-chart.ts';

const COORDINATOR = 'farm-bivdiff-coordinator';
const WORKER = 'farm-bivdiff-vdm';

function dataOf(chart: Rendered, name: string): Record<string, string> {
  const data: Record<string, string> = chart.one('Secret', `farm-bivdiff-${name}`).data;
  const plain = Object.entries(data).map(([key, text]) => [
    key,
    Buffer.from(text, 'base64').toString(),
  ]);
  return Object.fromEntries(plain) as Record<string, string>;
}
const certificateOf = (chart: Rendered, of: string): X509Certificate =>
  new X509Certificate(dataOf(chart, `${of}-tls`)['tls.crt']!);

describe('generated certificates', async () => {
  const chart = await renderChart();
  const authority = new X509Certificate(dataOf(chart, 'ca')['tls.crt']!);

  it.each(['coordinator', 'nats', 'worker'])('of %s are the release’s authority’s', (of) => {
    expect(certificateOf(chart, of).verify(authority.publicKey)).toBe(true);
    expect(dataOf(chart, `${of}-tls`)['ca.crt']).toBe(dataOf(chart, 'ca')['tls.crt']);
  });

  it.each(['coordinator', 'nats'])('of %s have every name of its Service', (of) => {
    const names = certificateOf(chart, of).subjectAltName;
    for (const end of ['', '.render', '.render.svc', '.render.svc.cluster.local'])
      expect(names).toContain(`DNS:farm-bivdiff-${of}${end}`);
    expect(names).toContain('DNS:localhost');
  });

  it('serve at both ends, since workers show them to each other', () => {
    // Server and client authentication.
    const usages = certificateOf(chart, 'worker').keyUsage;
    expect(usages).toEqual(expect.arrayContaining(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']));
  });

  it('keep the authority’s key to the secret that no pod mounts', () => {
    const mounted = chart
      .pods()
      .flatMap(({ spec }) =>
        (spec.volumes as Yaml[]).map(({ secret }): string => secret?.secretName ?? ''),
      );
    expect(mounted).not.toContain('farm-bivdiff-ca');
  });

  it('have the names of outside that one adds, and last as long as one says', async () => {
    const other = await renderChart({ tls: { extraNames: ['farm.example'], days: 10 } });
    const certificate = certificateOf(other, 'coordinator');
    expect(certificate.subjectAltName).toContain('DNS:farm.example');
    expect(certificateOf(other, 'nats').subjectAltName).not.toContain('farm.example');
    const days =
      (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / 86_400_000;
    expect(days).toBeCloseTo(10, 0);
  });

  it('are drawn once in a rendering: pods have the sum of what the secret has', async () => {
    const sum = (one: Rendered): unknown =>
      one.one('Deployment', WORKER).spec.template.metadata.annotations['checksum/secrets'];
    expect(sum(await renderAnew())).not.toBe(sum(await renderAnew()));
    expect(dataOf(chart, 'worker-tls')['ca.crt']).toBe(dataOf(chart, 'nats-tls')['ca.crt']);
  });
});

describe('without TLS', async () => {
  const chart = await renderChart({ tls: { mode: 'off' } });

  it('programs are told that the network is trusted', () => {
    expect(chart.args(COORDINATOR, 'coordinator')).toContain('--insecure');
    expect(chart.args(WORKER, 'worker')).toContain('--insecure');
  });

  it.each(['--tls-ca', '--tls-cert', '--tls-key', '--serve-tls', '--nats-tls-ca'])(
    'nobody is told %s',
    (flag) => {
      for (const [name, of] of [
        [COORDINATOR, 'coordinator'],
        [WORKER, 'worker'],
        [WORKER, 'preflight'],
      ] as const)
        expect(chart.args(name, of)).not.toContain(flag);
    },
  );

  it('addresses say so', () => {
    expect(chart.flags(WORKER, '--store', 'worker')[0]).toMatch(/^grpc:/);
    expect(chart.flags(WORKER, '--nats', 'worker')[0]).toMatch(/^nats:/);
  });

  it('no certificate is made', () => {
    expect(chart.names('Secret').filter((name) => /tls|ca$/.test(name))).toEqual([]);
  });
});

describe('certificates by cert-manager', () => {
  it('are of an authority of the release’s own', async () => {
    const chart = await renderChart({ tls: { mode: 'certManager' } });
    expect(chart.names('Issuer')).toEqual(['farm-bivdiff-self-signed', 'farm-bivdiff-ca']);
    expect(chart.one('Certificate', 'farm-bivdiff-ca').spec).toMatchObject({
      isCA: true,
      secretName: 'farm-bivdiff-ca',
    });
    const { spec } = chart.one('Certificate', COORDINATOR);
    expect(spec.issuerRef).toEqual({
      name: 'farm-bivdiff-ca',
      kind: 'Issuer',
      group: 'cert-manager.io',
    });
    expect(spec.usages).toEqual(expect.arrayContaining(['server auth', 'client auth']));
    expect(spec.dnsNames).toContain('farm-bivdiff-coordinator.render.svc.cluster.local');
  });

  it('are of an issuer that one has', async () => {
    const chart = await renderChart(await ciValues('s3-values.yaml'));
    expect(chart.ofKind('Issuer')).toEqual([]);
    const { spec } = chart.one('Certificate', COORDINATOR);
    expect(spec.issuerRef).toMatchObject({ name: 'company', kind: 'ClusterIssuer' });
    expect(spec.dnsNames).toContain('farm.example');
    expect(chart.names('Certificate')).not.toContain('farm-bivdiff-nats');
  });

  it.each(['coordinator', 'nats', 'worker'])('lie where the pods of %s look', async (of) => {
    const chart = await renderChart({ tls: { mode: 'certManager' } });
    const { secretName } = chart.one('Certificate', `farm-bivdiff-${of}`).spec;
    const pod = chart.pod(of === 'worker' ? WORKER : `farm-bivdiff-${of}`);
    const secrets = (pod.volumes as Yaml[]).map(({ secret }) => secret?.secretName);
    expect(secrets).toContain(secretName);
  });
});

describe('tokens', async () => {
  const chart = await renderChart();

  it('are known to the coordinator by their sums, as its own reader reads them', () => {
    const { admin, worker, 'tokens.yaml': text } = dataOf(chart, 'tokens');
    const book = parseTokens(text!, 'the secret');
    expect(book.callerOf(admin!)?.roles).toContain('operate');
    expect(book.callerOf(worker!)?.roles).toContain('worker');
    expect(book.callerOf(worker!)?.roles).not.toContain('operate');
    expect(admin).toMatch(/^bivdiff_\w{43}$/);
    expect(text).toContain(createHash('sha256').update(admin!).digest('hex'));
    expect(text).not.toContain(admin);
  });

  it('are those that one adds, too', async () => {
    const token = { sha256: 'ab'.repeat(32), owner: 'ann', roles: ['submit'], weight: 2, quota: 8 };
    const other = await renderChart({ auth: { tokens: [token] } });
    const { tokens } = parse(dataOf(other, 'tokens')['tokens.yaml']!) as { tokens: Yaml[] };
    expect(tokens).toHaveLength(3);
    expect(tokens).toContainEqual(token);
  });

  it('are shown by workers that have the store through the coordinator, and by no others', async () => {
    expect(chart.flags(WORKER, '--token-file', 'worker')).toEqual(['/run/bivdiff/token/worker']);
    const shared = await renderChart({ store: { volume: { accessMode: 'ReadWriteMany' } } });
    expect(shared.args(WORKER, 'worker')).not.toContain('--token-file');
  });

  it('may be a secret of one’s own', async () => {
    const other = await renderChart({ auth: { existingSecret: 'mine' } });
    expect(other.names('Secret')).not.toContain('farm-bivdiff-tokens');
    const volumes: Yaml[] = other.pod(COORDINATOR).volumes;
    expect(volumes.find(({ name }) => name === 'tokens').secret.secretName).toBe('mine');
  });

  it('are asked of nobody where one says so', async () => {
    const other = await renderChart({ auth: { enabled: false } });
    expect(other.args(COORDINATOR, 'coordinator')).not.toContain('--tokens');
    expect(other.args(COORDINATOR, 'coordinator')).toContain('--insecure');
    expect(other.args(WORKER, 'worker')).not.toContain('--token-file');
    expect(other.names('Secret')).not.toContain('farm-bivdiff-tokens');
  });
});

describe('users of NATS', async () => {
  const chart = await renderChart();

  it('are one for each kind of program, with the password that the program has', () => {
    const { 'users.yaml': text, ...logins } = dataOf(chart, 'nats-users');
    const { users } = parse(text!) as { users: Yaml[] };
    expect(users.map(({ role }) => role)).toEqual(['coordinator', 'worker']);
    for (const { role, user, password } of users) {
      expect(parse(logins[`${role}.yaml`]!)).toEqual({ user, password });
      expect(password).toMatch(/^\w{32}$/);
    }
  });

  it.each([
    [COORDINATOR, 'coordinator.yaml'],
    [WORKER, 'worker.yaml'],
    ['farm-bivdiff-nats', 'users.yaml'],
  ])('are mounted to %s as %s, and no other’s', (name, file) => {
    const volumes: Yaml[] = chart.pod(name).volumes;
    const { secret } = volumes.find((one) => one.secret?.secretName === 'farm-bivdiff-nats-users')!;
    expect(secret.items).toEqual([{ key: file, path: file }]);
    expect(secret.defaultMode).toBe(0o440);
  });
});

describe('rendered without a cluster', () => {
  it('secrets of one’s own make every rendering the same', async () => {
    const values = await ciValues('gitops-values.yaml');
    expect(await helmTemplate(values)).toBe(await helmTemplate(values));
    const chart = await renderChart(values);
    expect(chart.ofKind('Secret')).toEqual([]);
  });

  it('drawn ones make each another', async () => {
    expect(await helmTemplate({})).not.toBe(await helmTemplate({}));
  });
});
