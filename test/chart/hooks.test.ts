// Hooks on every object: JSON merge patch, JSON patch, in this order; so that nobody has to fork the chart.

import { describe, expect, it } from 'vitest';

import { readChart } from '../../scripts/chart/chart-values.ts';
import type { Yaml } from '../support/kubernetes/chart/objects.ts';
import { ciValues, refusalOf, renderChart } from '../support/kubernetes/chart/render-chart.ts';

const SERVICE = 'farm-bivdiff-coordinator';
const overrideOf = async (hook: Yaml): Promise<Yaml> =>
  (await renderChart({ overrides: { coordinatorService: hook } })).one('Service', SERVICE);

describe('merge', () => {
  it('adds, replaces and keeps, at any depth', async () => {
    const merge = {
      metadata: { labels: { a: 'b' } },
      spec: { type: 'NodePort', sessionAffinity: 'ClientIP' },
    };
    const { metadata, spec } = await overrideOf({ merge });
    expect(metadata.labels).toMatchObject({ a: 'b', 'app.kubernetes.io/name': 'bivdiff' });
    expect(spec).toMatchObject({ type: 'NodePort', sessionAffinity: 'ClientIP' });
    expect(spec.ports).toHaveLength(1);
  });

  it('replaces lists whole', async () => {
    const ports = [{ name: 'a', port: 1 }];
    expect((await overrideOf({ merge: { spec: { ports } } })).spec.ports).toEqual(ports);
  });

  it.each([
    ['publishNotReadyAddresses', false],
    ['healthCheckNodePort', 0],
    ['sessionAffinity', ''],
  ])('sets what counts for nothing elsewhere: %s, %j', async (key, value) => {
    const spec = {
      ...{ publishNotReadyAddresses: false, healthCheckNodePort: 0, sessionAffinity: '' },
    };
    expect((await overrideOf({ merge: { spec } })).spec[key]).toBe(value);
  });
});

describe('patch', () => {
  const at = async (...patch: Yaml[]): Promise<Yaml> => overrideOf({ patch });

  it.each([
    [
      'adds a key',
      { op: 'add', path: '/spec/sessionAffinity', value: 'ClientIP' },
      ['spec', 'sessionAffinity'],
      'ClientIP',
    ],
    [
      'replaces one',
      { op: 'replace', path: '/spec/type', value: 'NodePort' },
      ['spec', 'type'],
      'NodePort',
    ],
    ['removes one', { op: 'remove', path: '/spec/type' }, ['spec', 'type'], undefined],
    [
      'removes one with a slash in it',
      { op: 'remove', path: '/metadata/labels/helm.sh~1chart' },
      ['metadata', 'labels', 'helm.sh/chart'],
      undefined,
    ],
    [
      'adds a map',
      { op: 'add', path: '/metadata/annotations', value: { a: 'b' } },
      ['metadata', 'annotations'],
      { a: 'b' },
    ],
    [
      'replaces in a list',
      { op: 'replace', path: '/spec/ports/0/port', value: 1 },
      ['spec', 'ports', 0, 'port'],
      1,
    ],
    [
      'adds at a list’s beginning',
      { op: 'add', path: '/spec/ports/0', value: { port: 1 } },
      ['spec', 'ports', 0],
      { port: 1 },
    ],
    [
      'adds at a list’s end',
      { op: 'add', path: '/spec/ports/-', value: { port: 1 } },
      ['spec', 'ports', 1],
      { port: 1 },
    ],
    [
      'replaces an item',
      { op: 'replace', path: '/spec/ports/0', value: { port: 2 } },
      ['spec', 'ports', 0],
      { port: 2 },
    ],
    ['removes an item', { op: 'remove', path: '/spec/ports/0' }, ['spec', 'ports'], []],
    [
      'tests, and changes nothing',
      { op: 'test', path: '/spec/ports/0/port', value: 7180 },
      ['spec', 'ports', 0, 'port'],
      7180,
    ],
  ])('%s', async (_, step, path, expected) => {
    const found = (path as (string | number)[]).reduce<Yaml>(
      (one, key) => one?.[key],
      await at(step),
    );
    expect(found).toEqual(expected);
  });

  it('does one step after the other', async () => {
    const { spec } = await at(
      { op: 'add', path: '/spec/ports/-', value: { name: 'two', port: 2 } },
      { op: 'remove', path: '/spec/ports/0' },
      { op: 'test', path: '/spec/ports/0/name', value: 'two' },
    );
    expect(spec.ports).toEqual([{ name: 'two', port: 2 }]);
  });

  it('comes after merge', async () => {
    const merge = { spec: { type: 'NodePort' } };
    const patch = [{ op: 'test', path: '/spec/type', value: 'NodePort' }];
    expect((await overrideOf({ merge, patch })).spec.type).toBe('NodePort');
  });

  it.each([
    [
      { op: 'replace', path: '/spec/typo', value: 1 },
      'overrides.coordinatorService.patch: replace /spec/typo: there is no "typo"',
    ],
    [{ op: 'remove', path: '/spec/ports/3' }, 'remove /spec/ports/3: there is no "3"'],
    [{ op: 'add', path: '/spec/ports/2', value: {} }, 'there is no "2"'],
    [{ op: 'add', path: '/spec/ports/first', value: {} }, 'there is no "first"'],
    [{ op: 'add', path: '/spec/none/below', value: 1 }, 'there is no "none"'],
    [{ op: 'add', path: '/kind/below', value: 1 }, 'there is no "below"'],
    [
      { op: 'test', path: '/spec/type', value: 'NodePort' },
      'patch: test /spec/type: it is "ClusterIP"',
    ],
    [{ op: 'test', path: '/spec/ports/0', value: {} }, 'patch: test /spec/ports/0: it is {'],
  ])('says which step does not fit: %j', async (step, sentence) => {
    expect(await refusalOf({ overrides: { coordinatorService: { patch: [step] } } })).toContain(
      sentence,
    );
  });
});

describe('an object', () => {
  const MARK = { metadata: { labels: { hooked: 'yes' } } };
  const { objects } = readChart();

  it('has a hook, whatever it is', async () => {
    const overrides = Object.fromEntries(objects.map((name) => [name, { merge: MARK }]));
    const dra = { pools: { mixer: { dra: { deviceClass: 'gpu' } } } };
    const monitoring = {
      serviceMonitor: { enabled: true },
      rules: { enabled: true },
      dashboard: { enabled: true },
    };
    const files = [
      { ...dra, metrics: monitoring },
      { tls: { mode: 'certManager' }, autoscaling: { by: 'keda' } },
      { autoscaling: { by: 'hpa' } },
      await ciValues('gitops-values.yaml'),
    ];
    const seen = new Set<string>();
    for (const values of files) {
      const chart = await renderChart({ ...values, overrides });
      for (const { kind, metadata } of chart.objects) {
        expect(metadata.labels?.['hooked'], `${kind} ${metadata.name}`).toBe('yes');
        seen.add(kind);
      }
    }
    for (const kind of [
      'ResourceClaimTemplate',
      'PrometheusRule',
      'Issuer',
      'ScaledObject',
      'HorizontalPodAutoscaler',
      'Pod',
    ])
      expect(seen).toContain(kind);
  });

  it('of one pool alone is changed by its own', async () => {
    const merge = { spec: { revisionHistoryLimit: 1 } };
    const patch = [
      { op: 'add', path: '/spec/template/spec/containers/0/args/-', value: '--no-serve' },
    ];
    const overrides = { poolDeployment: { merge: { spec: { revisionHistoryLimit: 5 } } } };
    const chart = await renderChart({ pools: { vdm: { merge, patch } }, overrides });
    expect(chart.one('Deployment', 'farm-bivdiff-vdm').spec.revisionHistoryLimit).toBe(1);
    expect(chart.one('Deployment', 'farm-bivdiff-idm').spec.revisionHistoryLimit).toBe(5);
    expect(chart.args('farm-bivdiff-vdm', 'worker').at(-1)).toBe('--no-serve');
    expect(chart.args('farm-bivdiff-idm', 'worker')).not.toContain('--no-serve');
  });

  it.each([
    [(patch: Yaml) => ({ pools: { vdm: { patch } } }), 'pools.vdm.patch'],
    [(patch: Yaml) => ({ poolDefaults: { patch } }), 'poolDefaults.patch'],
    [
      (patch: Yaml) => ({ overrides: { poolDeployment: { patch } } }),
      'overrides.poolDeployment.patch',
    ],
  ])('is not changed by what does not fit, which is told by its place: %#', async (of, place) => {
    const step = { op: 'remove', path: '/spec/typo' };
    const said = await refusalOf(of([step]));
    expect(said).toContain(`${place}: remove /spec/typo: there is no "typo"`);
    const others = ['pools.vdm', 'poolDefaults', 'overrides.poolDeployment'];
    for (const other of others)
      if (place !== `${other}.patch`) expect(said).not.toContain(`${other}.patch`);
  });
});
