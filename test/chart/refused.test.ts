// Values that are refused, each with a sentence that says what to write: by the chart's checks, and by the schema.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { readChart } from '../../scripts/chart/chart-values.ts';
import type { Yaml } from '../support/kubernetes/chart/objects.ts';
import { CHART, refusalOf } from '../support/kubernetes/chart/render-chart.ts';

const vdm = (values: Yaml): Yaml => ({ pools: { vdm: values } });

/** The ten of docs/kubernetes.md, in its order: values as `--set` takes them there, and what the sentence says. */
const TEN: readonly (readonly [string, Yaml, string])[] = [
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

describe('ten wrong values', () => {
  it.each(TEN)('%s', async (_, values, sentence) => {
    expect(await refusalOf(values)).toContain(sentence);
  });

  it('are those that docs/kubernetes.md shows', async () => {
    const text = await readFile(join(CHART, '../../docs/kubernetes.md'), 'utf8');
    for (const [, , sentence] of TEN) expect(text).toContain(sentence);
  });
});

describe('values that do not go together', () => {
  it.each([
    [{ pools: { other: {} } }, 'pools.other: say with pools.other.serves whose tasks it runs'],
    [
      { pools: { vdm: null, all: { serves: ['vdm', 'idm'] } } },
      'pools.all serves vdm, idm, and the scaler reckons one kind',
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

describe('the schema', () => {
  const { values } = readChart();
  const sections = new Set(values.map(({ keys }) => keys.slice(0, -1).join('.')));

  it('refuses an unknown key in every section, by its name', async () => {
    const given: Yaml = {};
    for (const section of sections) {
      const keys = section === '' ? [] : section.split('.');
      const at = keys.reduce<Yaml>((map, key) => (map[key] ??= {}), given);
      at.unheardOf = true;
    }
    // Of the pools any name is known.
    given.pools = { idm: { unheardOf: true, drain: { unheardOf: true } } };
    const said = await refusalOf(given);
    const places = [...sections, 'pools.idm', 'pools.idm.drain'].filter((one) => one !== 'pools');
    for (const section of places) {
      const pointer = section === '' ? '' : `/${section.replaceAll('.', '/')}`;
      if (section !== 'pools.vdm')
        expect(said, pointer).toContain(
          `'${pointer}': additional properties 'unheardOf' not allowed`,
        );
    }
  });

  it.each([
    ['device', { device: 'tpu' }],
    ['coordinator/replicas', { coordinator: { replicas: 0 } }],
    ['coordinator/replicas', { coordinator: { replicas: 'two' } }],
    ['coordinator/keepJobsDays', { coordinator: { keepJobsDays: -1 } }],
    ['coordinator/limits/frames', { coordinator: { limits: { frames: 'many' } } }],
    ['coordinator/service/type', { coordinator: { service: { type: 'Ingress' } } }],
    ['pools/vdm', { pools: { vdm: { gpu: { count: 2 } } } }],
    ['pools/vdm', { pools: { vdm: { serves: ['gpu'] } } }],
    ['pools/vdm', { pools: { vdm: { drain: { longestStepSeconds: 0 } } } }],
    ['pools/vdm', { pools: { vdm: { slots: 257 } } }],
    ['poolDefaults/memoryGib', { poolDefaults: { memoryGib: 0 } }],
    ['poolDefaults/cache/sizeGib', { poolDefaults: { cache: { sizeGib: 0 } } }],
    ['autoscaling/by', { autoscaling: { by: 'both' } }],
    ['store/kind', { store: { kind: 'nfs' } }],
    ['store/volume/accessMode', { store: { volume: { accessMode: 'ReadOnlyMany' } } }],
    ['tls/mode', { tls: { mode: true } }],
    [
      'auth/tokens/0/sha256',
      { auth: { tokens: [{ sha256: 'short', owner: 'a', roles: ['read'] }] } },
    ],
    ['auth/tokens/0', { auth: { tokens: [{ token: 'secret' }] } }],
    ['metrics/port', { metrics: { port: 70000 } }],
    ['image/pullPolicy', { image: { pullPolicy: 'Sometimes' } }],
    ['image/pullSecrets/0', { image: { pullSecrets: ['name'] } }],
    ['overrides', { overrides: { coordinatorPod: { merge: {} } } }],
    [
      'overrides/storeClaim/patch/0/op',
      { overrides: { storeClaim: { patch: [{ op: 'move', path: '/a' }] } } },
    ],
    [
      'overrides/storeClaim/patch/0/path',
      { overrides: { storeClaim: { patch: [{ op: 'remove', path: 'a' }] } } },
    ],
    ['fullnameOverride', { fullnameOverride: 'x'.repeat(41) }],
    ['commonLabels/a', { commonLabels: { a: 1 } }],
    ['networkPolicy/clients', { networkPolicy: { clients: {} } }],
    ['test/args', { test: { args: '--frames 4' } }],
  ])('refuses %s: %j', async (pointer, values) => {
    expect(await refusalOf(values)).toContain(`'/${pointer}'`);
  });
});
