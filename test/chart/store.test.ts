// Where results lie, who mounts what, what preflight is told; models.

import { describe, expect, it } from 'vitest';

import type { Rendered, Yaml } from '../support/kubernetes/chart/objects.ts';
import { renderChart } from '../support/kubernetes/chart/render-chart.ts';

const COORDINATOR = 'farm-bivdiff-coordinator';
const WORKER = 'farm-bivdiff-vdm';
const S3 = {
  store: {
    kind: 's3',
    s3: { bucket: 'b', prefix: 'p', secret: 'keys', endpoint: 'http://s3:7070' },
  },
};

const volume = (chart: Rendered, pod: string, name: string): Yaml =>
  (chart.pod(pod).volumes as Yaml[]).find((one) => one.name === name);

describe('a volume of one node', async () => {
  const chart = await renderChart();

  it('is claimed, and kept when the release goes', () => {
    const { metadata, spec } = chart.one('PersistentVolumeClaim');
    expect(metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
    expect(spec).toEqual({
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '50Gi' } },
    });
  });

  it('keeps coordinators on one node', () => {
    const [term] =
      chart.pod(COORDINATOR).affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution;
    expect(term.topologyKey).toBe('kubernetes.io/hostname');
    expect(term.labelSelector.matchLabels['app.kubernetes.io/component']).toBe('coordinator');
  });

  it('is mounted by no worker: they have it through the coordinator', () => {
    expect(volume(chart, WORKER, 'store')).toBeUndefined();
    const place = 'grpcs://farm-bivdiff-coordinator.render.svc.cluster.local:7180';
    expect(chart.flags(WORKER, '--store', 'worker')).toEqual([place]);
    expect(chart.flags(WORKER, '--store', 'preflight')).toEqual([place]);
  });
});

describe('a volume that all mount', async () => {
  const chart = await renderChart({
    store: { volume: { accessMode: 'ReadWriteMany', storageClass: 'nfs', size: '1Ti' } },
  });

  it('is claimed so', () => {
    expect(chart.one('PersistentVolumeClaim').spec).toEqual({
      accessModes: ['ReadWriteMany'],
      resources: { requests: { storage: '1Ti' } },
      storageClassName: 'nfs',
    });
  });

  it.each([COORDINATOR, WORKER])('is mounted by %s', (name) => {
    const claim = { claimName: 'farm-bivdiff-store' };
    expect(volume(chart, name, 'store').persistentVolumeClaim).toEqual(claim);
    const container = name === WORKER ? 'worker' : 'coordinator';
    expect(chart.flags(name, '--store', container)).toEqual(['/var/lib/bivdiff/store']);
  });

  it('lets coordinators avoid each other’s nodes', () => {
    expect(chart.pod(COORDINATOR).affinity).toHaveProperty('podAntiAffinity');
  });
});

describe('a claim', () => {
  it('may be one’s own', async () => {
    const chart = await renderChart({ store: { volume: { existingClaim: 'mine' } } });
    expect(chart.ofKind('PersistentVolumeClaim')).toEqual([]);
    expect(volume(chart, COORDINATOR, 'store').persistentVolumeClaim.claimName).toBe('mine');
  });

  it.each([
    ['', undefined],
    ['-', ''],
    ['fast', 'fast'],
  ])('of class "%s" is of %j', async (storageClass, expected) => {
    const chart = await renderChart({ store: { volume: { storageClass } } });
    expect(chart.one('PersistentVolumeClaim').spec.storageClassName).toBe(expected);
  });

  it('goes with the release where one says so, and has one’s annotations', async () => {
    const annotations = { a: 'b' };
    const chart = await renderChart({ store: { volume: { keep: false, annotations } } });
    expect(chart.one('PersistentVolumeClaim').metadata.annotations).toEqual(annotations);
  });
});

describe('a place on S3', async () => {
  const chart = await renderChart(S3);

  it.each([
    [COORDINATOR, 'coordinator'],
    [COORDINATOR, 'preflight'],
    [WORKER, 'worker'],
    [WORKER, 'preflight'],
  ])('is told to %s (%s), with keys and server', (name, container) => {
    expect(chart.flags(name, '--store', container)).toEqual(['s3://b/p']);
    const { containers, initContainers } = chart.pod(name);
    const { env } = [...containers, ...initContainers].find((one) => one.name === container);
    const named = Object.fromEntries((env as Yaml[]).map(({ name: key, ...rest }) => [key, rest]));
    expect(named).toMatchObject({
      AWS_REGION: { value: 'us-east-1' },
      AWS_ENDPOINT_URL_S3: { value: 'http://s3:7070' },
      AWS_ACCESS_KEY_ID: {
        valueFrom: { secretKeyRef: { name: 'keys', key: 'AWS_ACCESS_KEY_ID' } },
      },
    });
  });

  it('needs no volume and no token', () => {
    expect(chart.ofKind('PersistentVolumeClaim')).toEqual([]);
    expect(chart.args(WORKER, 'worker')).not.toContain('--token-file');
  });

  it('takes what its account may where no keys are named', async () => {
    const store = { kind: 's3', s3: { bucket: 'b' } };
    const { containers } = (await renderChart({ store })).pod(WORKER);
    const names = (containers[0].env as Yaml[]).map(({ name }) => name);
    expect(names).not.toContain('AWS_ACCESS_KEY_ID');
    expect(names).not.toContain('AWS_ENDPOINT_URL_S3');
  });

  it('may be the whole bucket', async () => {
    const chart = await renderChart({ store: { kind: 's3', s3: { bucket: 'b', prefix: '' } } });
    expect(chart.flags(COORDINATOR, '--store', 'coordinator')).toEqual(['s3://b']);
  });
});

describe('preflight', async () => {
  const chart = await renderChart({
    pools: { vdm: { slots: 2, memoryGib: 40 } },
    preflight: { waitSeconds: 90 },
  });

  it('comes before the coordinator, on its store', () => {
    expect(chart.args(COORDINATOR, 'preflight').slice(0, 2)).toEqual(['preflight', 'coordinator']);
    expect(chart.flags(COORDINATOR, '--farm', 'preflight')).toEqual(['farm-bivdiff']);
  });

  it.each([
    ['--farm', 'farm-bivdiff'],
    ['--wait-seconds', '90'],
    ['--pool', 'vdm'],
    ['--slots', '2'],
    ['--memory-gib', '40'],
    ['--tls-ca', '/run/bivdiff/tls/ca.crt'],
    ['--token-file', '/run/bivdiff/token/worker'],
  ])('is told %s %s of a worker', (flag, word) => {
    expect(chart.flags(WORKER, flag, 'preflight')).toEqual([word]);
  });

  it('takes no GPU: what it checks is declared', () => {
    const [{ resources }] = chart.pod(WORKER).initContainers;
    expect(resources.limits).toEqual({ memory: '1Gi' });
  });

  it('says why in what `kubectl describe` shows', () => {
    for (const { spec } of chart.pods())
      for (const one of [...spec.containers, ...(spec.initContainers ?? [])])
        expect(one.terminationMessagePolicy).toBe('FallbackToLogsOnError');
  });

  it('may be left out', async () => {
    const without = await renderChart({ preflight: { enabled: false } });
    expect(without.pod(WORKER).initContainers).toBeUndefined();
    expect(without.pod(COORDINATOR).initContainers).toBeUndefined();
  });
});

describe('models', () => {
  it.each([
    ['persistentVolumeClaim', { claimName: 'models' }],
    ['image', { reference: 'r/models:1' }],
    ['csi', { driver: 'd' }],
    ['ephemeral', { volumeClaimTemplate: { spec: {} } }],
  ])('lie in a volume: %s', async (kind, of) => {
    const chart = await renderChart({ models: { volume: { [kind]: of }, subPath: 'sets' } });
    expect(volume(chart, COORDINATOR, 'models')).toEqual({ name: 'models', [kind]: of });
    expect(chart.flags(COORDINATOR, '--models', 'coordinator')).toEqual(['/models']);
    expect(chart.flags(COORDINATOR, '--models', 'preflight')).toEqual(['/models']);
    const mounts: Yaml[] = chart.pod(COORDINATOR).containers[0].volumeMounts;
    expect(mounts).toContainEqual({
      name: 'models',
      mountPath: '/models',
      readOnly: true,
      subPath: 'sets',
    });
  });

  it('are mounted by workers that load them before they are asked for', async () => {
    const models = { volume: { image: { reference: 'r/models:1' } }, subPath: 'sets' };
    const chart = await renderChart({ models, pools: { vdm: { preload: ['sd15', 'other'] } } });
    expect(chart.flags(WORKER, '--preload', 'worker')).toEqual(['sd15', 'other']);
    expect(chart.flags(WORKER, '--models', 'worker')).toEqual(['/models']);
    expect(volume(chart, WORKER, 'models').image).toEqual(models.volume.image);
    expect(volume(chart, 'farm-bivdiff-idm', 'models')).toBeUndefined();
    const shipped = await renderChart({ poolDefaults: { preload: ['demo'] } });
    expect(shipped.args(WORKER, 'worker')).not.toContain('--models');
  });

  it('come to workers from the store alone', async () => {
    const volumes = { persistentVolumeClaim: { claimName: 'models' } };
    const chart = await renderChart({ models: { volume: volumes } });
    expect(volume(chart, WORKER, 'models')).toBeUndefined();
    expect(chart.args(WORKER, 'worker')).toContain('--no-models');
  });
});
