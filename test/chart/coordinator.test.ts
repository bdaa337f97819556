// The coordinator: how it is told what it is told, who reaches it, what it may.

import { describe, expect, it } from 'vitest';

import type { Yaml } from '../support/kubernetes/chart/objects.ts';
import { refusalOf, renderChart } from '../support/kubernetes/chart/render-chart.ts';
import { together } from '../support/kubernetes/chart/together.ts';

const NAME = 'farm-bivdiff-coordinator';
const NUMERICS = 'cuda:nvidia-h200-cpu-x64-avx512/tf32+timed-search/onnxruntime-1.30.0/v8-13.6';

describe('by default', async () => {
  const chart = await renderChart();

  it('are two, of which a new one comes before an old one goes', () => {
    const { replicas, strategy } = chart.one('Deployment', NAME).spec;
    expect(replicas).toBe(2);
    expect(strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
  });

  it('leads clients to the leader alone', () => {
    const { selector, ports } = chart.one('Service', NAME).spec;
    expect(selector['bivdiff.dev/leader']).toBe('true');
    expect(ports).toEqual([{ name: 'grpc', port: 7180, targetPort: 'grpc' }]);
    // Who follows has no such label until it leads.
    const { labels } = chart.one('Deployment', NAME).spec.template.metadata;
    expect(labels['bivdiff.dev/leader']).toBeUndefined();
  });

  it.each([
    ['--listen', '0.0.0.0:7180'],
    ['--http', '0.0.0.0:9090'],
    ['--kubernetes', '/etc/bivdiff/kubernetes.yaml'],
    ['--store', '/var/lib/bivdiff/store'],
    ['--tls-cert', '/run/bivdiff/tls/tls.crt'],
    ['--tls-key', '/run/bivdiff/tls/tls.key'],
    ['--tokens', '/run/bivdiff/tokens/tokens.yaml'],
    ['--nats', 'tls://farm-bivdiff-nats.render.svc.cluster.local:4222'],
    ['--nats-credentials', '/run/bivdiff/nats/coordinator.yaml'],
    ['--numerics', 'workers'],
    ['--nats-tls-ca', '/run/bivdiff/nats-ca/ca.crt'],
  ])('is told %s %s', (flag, word) => {
    expect(chart.flags(NAME, flag, 'coordinator')).toEqual([word]);
  });

  it.each(['--models', '--keep-jobs', '--limit', '--insecure'])('is not told %s', (flag) => {
    expect(chart.args(NAME, 'coordinator')).not.toContain(flag);
  });

  it('knows its own name, namespace and address', () => {
    const { env } = chart.pod(NAME).containers[0];
    expect((env as Yaml[]).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['POD_NAME', 'POD_NAMESPACE', 'POD_IP']),
    );
  });

  it.each([
    ['startupProbe', '/startupz'],
    ['livenessProbe', '/livez'],
    ['readinessProbe', '/readyz'],
  ])('is asked by %s for %s', (probe, path) => {
    expect(chart.pod(NAME).containers[0][probe].httpGet).toEqual({ path, port: 'http' });
  });

  it('has no budget that would hold both to a node that is drained', () => {
    const { podAffinity } = chart.pod(NAME).affinity;
    expect(podAffinity.requiredDuringSchedulingIgnoredDuringExecution).toHaveLength(1);
    expect(chart.names('PodDisruptionBudget')).not.toContain(NAME);
  });

  it('reads no secret key that is not its own', () => {
    const { volumes } = chart.pod(NAME);
    const items = (volumes as Yaml[]).flatMap(({ secret }) => secret?.items ?? []);
    expect(items.map(({ key }: Yaml) => key).sort()).toEqual([
      'ca.crt',
      'coordinator.yaml',
      'tokens.yaml',
    ]);
  });
});

describe('a coordinator', () => {
  const told: [Yaml, string, string[]][] = [
    [{ numerics: NUMERICS }, '--numerics', [NUMERICS]],
    [{ numerics: 'workers' }, '--numerics', ['workers']],
    [{ keepJobsDays: 0 }, '--keep-jobs', ['0']],
    [{ keepJobsDays: 1.5 }, '--keep-jobs', ['1.5']],
    // Helm's numbers of a file would print as 1e+07.
    [{ keepJobsDays: 10_000_000 }, '--keep-jobs', ['10000000']],
    [
      { limits: { frames: 5000, uploadBytes: 1_000_000_000_000 } },
      '--limit',
      ['frames=5000', 'uploadBytes=1000000000000'],
    ],
    [{ extraArgs: ['--limit', 'frames=1'] }, '--limit', ['frames=1']],
  ];
  const toldTogether = together(
    told,
    ([, flag]) => flag,
    ([coordinator]) => coordinator,
  );
  it.each(toldTogether)('is told %j', async (_, flag, words, coordinator) => {
    expect((await renderChart({ coordinator })).flags(NAME, flag, 'coordinator')).toEqual(words);
  });

  describe.each([{}, { device: 'cpu' }])('without a worker of idm, with %j', (device) => {
    const SCALED = { pools: { idm: { scaling: { min: 0 } } } };
    const FIXED = { autoscaling: { by: 'none' }, pools: { idm: { replicas: 0 } } };
    it.each([
      [SCALED, 'pools.idm.scaling.min'],
      [FIXED, 'pools.idm.replicas'],
    ])('would not know the class of jobs: %j', async (values, key) => {
      for (const numerics of ['', 'workers']) {
        const said = await refusalOf({ ...device, ...values, coordinator: { numerics } });
        expect(said).toContain(`${key} is 0: no worker that draws frames may be there`);
        expect(said).toContain(`Set ${key} to 1, or name the class`);
      }
      const named = { ...device, ...values, coordinator: { numerics: NUMERICS } };
      expect((await renderChart(named)).flags(NAME, '--numerics', 'coordinator')).toEqual([
        NUMERICS,
      ]);
    });
  });

  it('knows the class of jobs by any pool that draws frames and always has a worker', async () => {
    const more = { serves: ['idm'], scaling: { max: 0 }, replicas: 1 };
    const pools = { idm: { scaling: { min: 0 } }, more };
    const chart = await renderChart({ pools });
    expect(chart.flags(NAME, '--numerics', 'coordinator')).toEqual(['workers']);
  });

  const own: [string, Yaml][] = [
    ['nodeSelector', { a: 'b' }],
    ['tolerations', [{ key: 'a', operator: 'Exists' }]],
    ['affinity', { nodeAffinity: { a: 'b' } }],
    [
      'topologySpreadConstraints',
      [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }],
    ],
    ['priorityClassName', 'high'],
    ['terminationGracePeriodSeconds', 60],
  ];
  const coordinator = {
    ...{ ...Object.fromEntries(own), podLabels: { a: 'b' }, podAnnotations: { a: 'b' } },
    extraEnv: [{ name: 'A', value: 'b' }],
    resources: { limits: { memory: '8Gi' } },
  };

  it.each(own)('has its own %s', async (key, value) => {
    expect((await renderChart({ coordinator })).pod(NAME)[key]).toEqual(value);
  });

  it.each([
    ['podLabels', 'labels'],
    ['podAnnotations', 'annotations'],
  ])('has its own %s', async (_, field) => {
    const chart = await renderChart({ coordinator });
    expect(chart.one('Deployment', NAME).spec.template.metadata[field]).toMatchObject({ a: 'b' });
  });

  it('has its own environment and resources', async () => {
    const [container] = (await renderChart({ coordinator })).pod(NAME).containers;
    expect(container.env).toContainEqual({ name: 'A', value: 'b' });
    expect(container.resources.limits.memory).toBe('8Gi');
  });

  it('is reached from outside where one says so', async () => {
    const service = { type: 'LoadBalancer', port: 443, annotations: { a: 'b' } };
    const { metadata, spec } = (await renderChart({ coordinator: { service } })).one(
      'Service',
      NAME,
    );
    expect(spec.type).toBe('LoadBalancer');
    expect(spec.ports[0]).toMatchObject({ port: 443, targetPort: 'grpc' });
    expect(metadata.annotations).toEqual({ a: 'b' });
  });

  it('listens on IPv6, and workers serve there', async () => {
    const chart = await renderChart({ ipFamily: 'IPv6' });
    expect(chart.flags(NAME, '--listen', 'coordinator')).toEqual(['[::]:7180']);
    expect(chart.flags('farm-bivdiff-vdm', '--serve', 'worker')).toEqual(['[$(POD_IP)]:7181']);
    expect(chart.args('farm-bivdiff-nats', 'configuration')).toContain('[::]:4222');
  });

  it('is not evicted all at once where its store is everywhere', async () => {
    for (const store of [
      { volume: { accessMode: 'ReadWriteMany' } },
      { kind: 's3', s3: { bucket: 'b' } },
    ]) {
      const chart = await renderChart({ store });
      expect(chart.one('PodDisruptionBudget', NAME).spec.maxUnavailable).toBe(1);
      expect(chart.pod(NAME).affinity.podAffinity).toBeUndefined();
    }
  });

  it('may have no budget', async () => {
    const chart = await renderChart({
      store: { volume: { accessMode: 'ReadWriteMany' } },
      coordinator: { podDisruptionBudget: { enabled: false } },
    });
    expect(chart.names('PodDisruptionBudget')).not.toContain(NAME);
  });
});

describe('what the coordinator may', () => {
  const LEASES = ['coordination.k8s.io/leases'];
  /** Verb, resource and names, as one line each. */
  async function granted(values: Yaml = {}): Promise<string[]> {
    const { rules } = (await renderChart(values)).one('Role', NAME);
    return (rules as Yaml[]).flatMap(({ apiGroups, resources, verbs, resourceNames = ['*'] }) =>
      apiGroups.flatMap((group: string) =>
        resources.flatMap((resource: string) =>
          verbs.map((verb: string) => `${verb} ${group}/${resource} ${resourceNames.join(',')}`),
        ),
      ),
    );
  }
  const LEADING = [
    `create ${LEASES[0]} *`,
    `get ${LEASES[0]} ${NAME}`,
    `update ${LEASES[0]} ${NAME}`,
    'patch /pods *',
  ];
  const pools = 'farm-bivdiff-idm,farm-bivdiff-mixer,farm-bivdiff-vdm';
  const SCALING = [
    ...['list /pods *', 'list apps/deployments *'],
    ...['get', 'update'].map((verb) => `${verb} apps/deployments/scale ${pools}`),
  ];

  it('is leading and scaling, and nothing else', async () => {
    expect((await granted()).sort()).toEqual([...LEADING, ...SCALING].sort());
  });

  it.each(['hpa', 'keda', 'none'])('is leading alone with %s', async (by) => {
    expect((await granted({ autoscaling: { by } })).sort()).toEqual([...LEADING].sort());
  });

  it('is scaling of those pools alone that it scales', async () => {
    const all = await granted({ pools: { mixer: { scaling: { max: 0 } } } });
    expect(all).toContain('update apps/deployments/scale farm-bivdiff-idm,farm-bivdiff-vdm');
  });

  it('is in its own namespace, by its own account', async () => {
    const chart = await renderChart();
    expect(chart.ofKind('ClusterRole')).toEqual([]);
    expect(chart.one('RoleBinding', NAME).subjects).toEqual([
      { kind: 'ServiceAccount', name: NAME, namespace: 'render' },
    ]);
    expect(chart.pod(NAME).serviceAccountName).toBe(NAME);
  });

  it('may be given by others', async () => {
    const chart = await renderChart({
      rbac: { create: false },
      serviceAccounts: { coordinator: { create: false, name: 'mine' }, worker: { create: false } },
    });
    expect(chart.ofKind('Role')).toEqual([]);
    expect(chart.ofKind('ServiceAccount')).toEqual([]);
    expect(chart.pod(NAME).serviceAccountName).toBe('mine');
    expect(chart.pod('farm-bivdiff-vdm').serviceAccountName).toBe('default');
  });

  it.each(['coordinator', 'worker'])('is a role of the cloud, for S3: %s', async (of) => {
    const chart = await renderChart({ serviceAccounts: { [of]: { annotations: { role: 'r' } } } });
    expect(chart.one('ServiceAccount', `farm-bivdiff-${of}`).metadata.annotations).toEqual({
      role: 'r',
    });
  });
});
