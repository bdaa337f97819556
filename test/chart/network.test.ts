// NATS, and who may reach whom.

import { describe, expect, it } from 'vitest';

import type { Rendered, Yaml } from '../support/kubernetes/chart/objects.ts';
import { renderChart } from '../support/kubernetes/chart/render-chart.ts';

const NATS = 'farm-bivdiff-nats';

describe('the chart’s own NATS', async () => {
  const chart = await renderChart();

  it('is one server, never two', () => {
    expect(chart.one('StatefulSet', NATS).spec).toMatchObject({ replicas: 1, serviceName: NATS });
  });

  it('has the configuration that this version of the programs writes', () => {
    const args = chart.args(NATS, 'configuration');
    expect(args[0]).toBe('nats-config');
    expect(chart.flags(NATS, '--users', 'configuration')).toEqual(['/run/bivdiff/nats/users.yaml']);
    expect(chart.flags(NATS, '--out', 'configuration')).toEqual(['/etc/nats/nats.conf']);
    expect(chart.pod(NATS).containers[0].command).toEqual([
      'nats-server',
      '-c',
      '/etc/nats/nats.conf',
    ]);
  });

  it('keeps passwords off the disk', () => {
    const volumes: Yaml[] = chart.pod(NATS).volumes;
    expect(volumes.find(({ name }) => name === 'configuration').emptyDir.medium).toBe('Memory');
  });

  it('has no key of the cluster', () => {
    expect(chart.pod(NATS).automountServiceAccountToken).toBe(false);
  });

  it('is put where one says', async () => {
    const nats = {
      nodeSelector: { a: 'b' },
      tolerations: [{ key: 'c' }],
      priorityClassName: 'd',
      image: 'r/nats:1',
    };
    const spec = (await renderChart({ nats })).pod(NATS);
    expect(spec).toMatchObject({
      nodeSelector: { a: 'b' },
      tolerations: [{ key: 'c' }],
      priorityClassName: 'd',
    });
    expect(spec.containers[0].image).toBe('r/nats:1');
  });
});

describe('an external NATS', async () => {
  const nats = { url: 'tls://nats.example:5222', existingSecret: 'logins', caSecret: 'authority' };
  const chart = await renderChart({ nats });

  it('is the only one', () => {
    expect(chart.names('StatefulSet')).toEqual([]);
    expect(chart.names('Secret')).not.toContain('farm-bivdiff-nats-users');
    expect(chart.names('Secret')).not.toContain('farm-bivdiff-nats-tls');
    expect(chart.names('NetworkPolicy')).not.toContain(NATS);
  });

  it.each([
    ['farm-bivdiff-coordinator', 'coordinator'],
    ['farm-bivdiff-vdm', 'worker'],
  ])('is told to %s', (name, container) => {
    expect(chart.flags(name, '--nats', container)).toEqual(['tls://nats.example:5222']);
    expect(chart.flags(name, '--nats-credentials', container)).toEqual([
      `/run/bivdiff/nats/${container}.yaml`,
    ]);
    const secrets = (chart.pod(name).volumes as Yaml[]).map(({ secret }) => secret?.secretName);
    expect(secrets).toEqual(expect.arrayContaining(['logins', 'authority']));
  });

  it('may ask for no login', async () => {
    const bare = await renderChart({ nats: { url: 'nats://nats:4222' } });
    expect(bare.args('farm-bivdiff-vdm', 'worker')).not.toContain('--nats-credentials');
    expect(bare.args('farm-bivdiff-vdm', 'worker')).not.toContain('--nats-tls-ca');
  });

  it('is let out to, on its port', () => {
    const { egress } = chart.one('NetworkPolicy', 'farm-bivdiff-worker').spec;
    expect(egress).toContainEqual({ ports: [{ port: 5222, protocol: 'TCP' }] });
  });
});

describe('who may reach whom', async () => {
  const chart = await renderChart();
  /** The components that may come in by a port. */
  function into(name: string, port: string, of: Rendered = chart): string[] {
    const rules: Yaml[] = of.one('NetworkPolicy', `farm-bivdiff-${name}`).spec.ingress;
    return rules
      .filter(({ ports }) => ports.some((one: Yaml) => one.port === port))
      .flatMap(({ from }) =>
        from.map(
          (peer: Yaml): string =>
            peer.podSelector?.matchLabels?.['app.kubernetes.io/component'] ?? JSON.stringify(peer),
        ),
      );
  }

  it.each([
    ['nats', 'nats', ['coordinator', 'worker']],
    ['worker', 'peers', ['worker']],
    ['coordinator', 'grpc', ['worker', 'test', '{"podSelector":{}}']],
    ['coordinator', 'http', ['{"namespaceSelector":{}}']],
    ['worker', 'http', ['{"namespaceSelector":{}}']],
  ])('into %s by %s: %j', (name, port, peers) => {
    expect(into(name, port)).toEqual(peers);
  });

  it('NATS goes nowhere', () => {
    expect(chart.one('NetworkPolicy', NATS).spec).toMatchObject({
      egress: [],
      policyTypes: ['Ingress', 'Egress'],
    });
  });

  it.each(['coordinator', 'worker'])('%s asks for names, and goes to NATS', (name) => {
    const { egress } = chart.one('NetworkPolicy', `farm-bivdiff-${name}`).spec;
    expect(egress[0].ports.map((one: Yaml) => one.protocol)).toEqual(['UDP', 'TCP']);
    expect(egress[1].to[0].podSelector.matchLabels['app.kubernetes.io/component']).toBe('nats');
  });

  it('only the coordinator goes to the Kubernetes API', () => {
    const ports = (name: string): unknown[] =>
      chart
        .one('NetworkPolicy', `farm-bivdiff-${name}`)
        .spec.egress.flatMap((one: Yaml) => one.ports.map(({ port }: Yaml) => port));
    expect(ports('coordinator')).toContain(6443);
    expect(ports('worker')).not.toContain(6443);
    expect(ports('worker')).not.toContain(443);
  });

  it.each([
    ['', 443],
    ['http://s3.storage:7070', 7070],
    ['https://s3.example', 443],
    ['http://s3.example', 80],
  ])('to S3 at "%s" by port %i', async (endpoint, port) => {
    const of = await renderChart({ store: { kind: 's3', s3: { bucket: 'b', endpoint } } });
    const { egress } = of.one('NetworkPolicy', 'farm-bivdiff-worker').spec;
    expect(egress).toContainEqual({ ports: [{ port, protocol: 'TCP' }] });
  });

  it('clients, readers of metrics and further ways out are whom one names', async () => {
    const clients = [{ namespaceSelector: { matchLabels: { team: 'film' } } }];
    const extraEgress = [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }];
    const of = await renderChart({ networkPolicy: { clients, metrics: [], extraEgress } });
    expect(into('coordinator', 'grpc', of)).toEqual(['worker', 'test', JSON.stringify(clients[0])]);
    expect(into('worker', 'http', of)).toEqual([]);
    for (const name of ['coordinator', 'worker'])
      expect(of.one('NetworkPolicy', `farm-bivdiff-${name}`).spec.egress).toContainEqual(
        extraEgress[0],
      );
  });

  it('may be left to others', async () => {
    expect(
      (await renderChart({ networkPolicy: { enabled: false } })).ofKind('NetworkPolicy'),
    ).toEqual([]);
  });
});
