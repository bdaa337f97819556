// Values that are refused, each with a sentence that says what to write: by the chart's checks.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { readChart } from '../../scripts/chart/chart-values.ts';
import type { Yaml } from '../support/kubernetes/chart/objects.ts';
import { CHART, refusalOf, runHelm } from '../support/kubernetes/chart/render-chart.ts';

const vdm = (values: Yaml): Yaml => ({ pools: { vdm: values } });

/** Those of docs/kubernetes.md, in its order: values as `--set` takes them there, and what the sentence says. */
const DOCUMENTED: readonly (readonly [string, Yaml, string])[] = [
  [
    'an unknown key',
    { coordinator: { replicaz: 2 } },
    "additional properties 'replicaz' not allowed",
  ],
  ['a renamed key', { replicaCount: 3 }, 'replicaCount is called coordinator.replicas here'],
  [
    'a grace that is too short',
    vdm({ terminationGracePeriodSeconds: 30 }),
    'pools.vdm.terminationGracePeriodSeconds is 30, and a worker needs 180 to end',
  ],
  [
    'vdm without a GPU',
    vdm({ gpu: { count: 0 } }),
    'pools.vdm runs on cuda and asks for no GPU: set pools.vdm.gpu.count to 1',
  ],
  [
    'pools of two kinds of devices',
    { pools: { idm: { device: 'cpu' } } },
    'cpu is the device of pools.idm, and cuda that of pools.mixer, pools.vdm: a job is of one numerics class',
  ],
  [
    'no pool for a kind of task',
    vdm({ enabled: false }),
    'no pool serves vdm, and no job is complete without',
  ],
  [
    'two pools that the scaler would scale for one kind',
    { pools: { other: { serves: ['vdm'] } } },
    'pools.vdm and pools.other both serve vdm, and the scaler scales one of them',
  ],
  ['S3 without a bucket', { store: { kind: 's3' } }, 'store.s3.bucket is empty: name the bucket'],
  [
    'more memory than the container has',
    { device: 'cpu', pools: { vdm: { memoryGib: 64 } } },
    'pools.vdm.memoryGib (64) is more than the memory of its container (16Gi)',
  ],
  [
    'a password in an address',
    { nats: { url: 'nats://user:secret@nats:4222' } },
    'nats.url has a user or password in it: put them into a secret',
  ],
  [
    'nothing drawn, and nothing given',
    { secrets: { generate: false } },
    'secrets.generate is false and nats.existingSecret is empty: name a secret',
  ],
];

describe('wrong values', () => {
  it.each(DOCUMENTED)('%s', async (_, values, sentence) => {
    expect(await refusalOf(values)).toContain(sentence);
  });

  it('are those that docs/kubernetes.md shows', async () => {
    const text = await readFile(join(CHART, '../../docs/kubernetes.md'), 'utf8');
    for (const [, , sentence] of DOCUMENTED) expect(text).toContain(sentence);
  });
});

describe('values that do not go together', () => {
  it.each([
    [{ pools: { other: {} } }, 'pools.other: say with pools.other.serves whose tasks it runs'],
    [
      { pools: { vdm: null, all: { serves: ['vdm', 'idm'] } } },
      'pools.all serves vdm, idm, and the scaler reckons one kind',
    ],
    [vdm({ gpu: { count: 0 } }), 'or set device to cpu, for all pools'],
    [
      { device: 'cpu', ...vdm({ device: 'cuda' }) },
      'cpu is the device of pools.idm, pools.mixer, and cuda that of pools.vdm',
    ],
    [{ kueue: { queue: 'gpus' } }, 'kueue.queue is set and autoscaling.by is scaler'],
    [{ kueue: { queue: 'gpus' }, autoscaling: { by: 'keda' } }, 'autoscaling.by is keda, which'],
    [{ pools: { My_Pool: { serves: ['vdm'] } } }, "pools.My_Pool: a pool's name is of a-z, 0-9"],
    [{ pools: { coordinator: { serves: ['vdm'] } } }, "pools.coordinator: a pool's name is"],
    [
      { pools: { ['a'.repeat(51)]: { serves: ['vdm'], scaling: { max: 0 } } } },
      '(64 characters), and 63 are let in',
    ],
    [
      { commonLabels: { 'app.kubernetes.io/name': 'foo' } },
      "commonLabels: the label app.kubernetes.io/name is the chart's own",
    ],
    [
      { commonLabels: { 'app.kubernetes.io/instance': 'a', 'app.kubernetes.io/component': 'b' } },
      "commonLabels: the label app.kubernetes.io/component is the chart's own",
    ],
    [
      { coordinator: { podLabels: { 'bivdiff.dev/leader': 'true' } } },
      "coordinator.podLabels: the label bivdiff.dev/leader is the chart's own",
    ],
    [
      vdm({ podLabels: { 'bivdiff.dev/pool': 'foo' } }),
      "pools.vdm.podLabels: the label bivdiff.dev/pool is the chart's own",
    ],
    [
      { poolDefaults: { podLabels: { 'app.kubernetes.io/instance': 'foo' } } },
      "poolDefaults.podLabels: the label app.kubernetes.io/instance is the chart's own",
    ],
    [vdm({ scaling: { min: 9 } }), 'pools.vdm.scaling: min (9) is more than max (4)'],
    [
      vdm({ device: 'cpu', dra: { deviceClass: 'x' } }),
      'pools.vdm runs on cpu and claims a device',
    ],
    [
      vdm({ dra: { deviceClass: 'x', claimTemplate: 'y' } }),
      'claimTemplate is a template of your own',
    ],
    [
      vdm({ memoryGib: 40, gpu: { memoryGibMin: 16 } }),
      'pools.vdm.memoryGib (40) is more than pools.vdm.gpu.memoryGibMin (16)',
    ],
    [{ store: { s3: { bucket: 'b' } } }, 'store.s3.bucket is set and store.kind is volume'],
    [
      { models: { volume: { hostPath: { path: '/models' } } } },
      'a volume of kind hostPath is not let in by Pod Security restricted',
    ],
    [
      { models: { volume: { nfs: { server: 'a', path: '/' } } } },
      'a volume of kind nfs is not let in',
    ],
    [{ tls: { mode: 'existing' } }, 'tls.existing.coordinator is empty'],
    [
      { tls: { mode: 'existing', existing: { coordinator: 'a', worker: 'b' } } },
      'tls.existing.nats is empty',
    ],
    [
      {
        auth: {
          existingSecret: 'a',
          tokens: [{ sha256: 'a'.repeat(64), owner: 'a', roles: ['read'] }],
        },
      },
      'auth.tokens and auth.existingSecret are both given',
    ],
    [
      { secrets: { generate: false } },
      'tls.mode is generated: set tls.mode to certManager, existing or off',
    ],
    [{ nats: { caSecret: 'a' } }, 'nats.caSecret is for an external server'],
    [
      { coordinator: { leaderElection: { renewSeconds: 10 } } },
      'renewSeconds (10), and that less than leaseSeconds (10)',
    ],
    [
      { coordinator: { leaderElection: { retrySeconds: 4 } } },
      'retrySeconds (4) must be at most half of renewSeconds (6)',
    ],
  ])('%j', async (values, sentence) => {
    expect(await refusalOf(values)).toContain(sentence);
  });

  it('an HPA from zero, where the cluster has none', async () => {
    const values = { autoscaling: { by: 'hpa' }, pools: { vdm: { scaling: { min: 0 } } } };
    const said = await refusalOf(values, { kubeVersion: '1.36.4' });
    expect(said).toContain(
      'pools.vdm.scaling.min is 0, and the HPA of Kubernetes v1.36.4 scales to 1 at least',
    );
  });

  it.each(['4farm', 'my.farm'])(
    'a release by which no Service can be called: %s',
    async (release) => {
      const said = await refusalOf({}, { release });
      expect(said).toContain(`names of objects would begin with "${release}-bivdiff"`);
    },
  );

  it('memory that is none, where the schema is not asked, by its key', async () => {
    const words = ['template', 'farm', CHART, '--skip-schema-validation', '--values', '-'];
    const refusal = (values: Yaml): Promise<string> =>
      runHelm(words, JSON.stringify(values)).then(
        () => 'helm takes it',
        (reason: unknown) => (reason as Error).message,
      );
    const said = await refusal({
      ...vdm({ resources: { limits: { memory: '1.2.3Gi' } } }),
      poolDefaults: { resources: { requests: { memory: 'much' }, limits: null } },
      store: { kind: 's3' },
    });
    expect(said).toContain('pools.vdm.resources.limits.memory is "1.2.3Gi", and no quantity');
    expect(said).toContain('pools.idm.resources.requests.memory is "much", and no quantity');
    expect(said).toContain('store.s3.bucket is empty');
  });

  it('a cluster that is too old', async () => {
    expect(await refusalOf({}, { kubeVersion: '1.33.9' })).toContain('>=1.34.0-0');
  });

  it('several, which are told at once', async () => {
    const values = {
      store: { kind: 's3' },
      tls: { mode: 'existing' },
      ...vdm({ gpu: { count: 0 } }),
    };
    const said = await refusalOf(values);
    for (const word of ['store.s3.bucket', 'tls.existing.worker', 'pools.vdm.gpu.count'])
      expect(said).toContain(word);
  });

  it('names that others have, each with the name here', async () => {
    const { renamed } = readChart();
    const values: Yaml = {};
    for (const old of Object.keys(renamed)) {
      const keys = old.split('.');
      const last = keys.pop()!;
      const at = keys.reduce<Yaml>((map, key) => (map[key] ??= {}), values);
      at[last] = true;
    }
    const said = await refusalOf(values);
    for (const [old, name] of Object.entries(renamed))
      expect(said).toContain(`${old} is called ${name} here`);
  });
});
