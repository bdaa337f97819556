// Values that the schema refuses, by their places, and what it lets in.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { DEFAULT_LIMITS } from '../../common/rpc/farm-limits.ts';
import { readChart } from '../../scripts/chart/chart-values.ts';
import type { Yaml } from '../support/kubernetes/chart/objects.ts';
import { CHART, refusalOf, renderChart } from '../support/kubernetes/chart/render-chart.ts';
import { together } from '../support/kubernetes/chart/together.ts';

const vdm = (values: Yaml): Yaml => ({ pools: { vdm: values } });
const resources = (values: Yaml): Yaml => ({ coordinator: { resources: values } });

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

  const refused: [string, Yaml][] = [
    ['device', { device: 'tpu' }],
    ['coordinator/replicas', { coordinator: { replicas: 0 } }],
    ['coordinator/replicas', { coordinator: { replicas: 'two' } }],
    ['coordinator/keepJobsDays', { coordinator: { keepJobsDays: -1 } }],
    ['coordinator/limits/frames', { coordinator: { limits: { frames: 'many' } } }],
    ['coordinator/limits/frames', { coordinator: { limits: { frames: 0 } } }],
    ['coordinator/limits', { coordinator: { limits: { framez: 5 } } }],
    ['coordinator/numerics', { coordinator: { numerics: 'cuda-a100' } }],
    ['coordinator/numerics', { coordinator: { numerics: 'cuda:nvidia-h200' } }],
    ['coordinator/numerics', { coordinator: { numerics: 'Workers' } }],
    ['store/volume/size', { store: { volume: { size: 'big' } } }],
    ['store/volume/size', { store: { volume: { size: -1 } } }],
    ['coordinator/resources/requests/cpu', resources({ requests: { cpu: 'many' } })],
    ['coordinator/resources/limits/memory', resources({ limits: { memory: '1.2.3Gi' } })],
    ['coordinator/resources/limits/memory', resources({ limits: { memory: '16GB' } })],
    ['nats/resources/requests/cpu', { nats: { resources: { requests: { cpu: '' } } } }],
    [
      'poolDefaults/resources/limits/memory',
      { poolDefaults: { resources: { limits: { memory: '16 Gi' } } } },
    ],
    ['pools/vdm/resources/limits/memory', vdm({ resources: { limits: { memory: '1.2.3Gi' } } })],
    [
      'pools/vdm/resources/limits/example.com~1a',
      vdm({ resources: { limits: { 'example.com/a': 'x' } } }),
    ],
    ['pools/vdm/dra/memory', vdm({ dra: { deviceClass: 'gpu', memory: 'half' } })],
    [
      'pools/vdm/podDisruptionBudget/maxUnavailable',
      vdm({ podDisruptionBudget: { maxUnavailable: 'half' } }),
    ],
    ['fullnameOverride', { fullnameOverride: 'Foo_Bar' }],
    ['fullnameOverride', { fullnameOverride: '4farm' }],
    ['nameOverride', { nameOverride: 'foo.bar' }],
    ['commonLabels', { commonLabels: { 'a b': 'c' } }],
    ['commonLabels/a', { commonLabels: { a: 'b c' } }],
    ['pools/vdm/nodeSelector/a', vdm({ nodeSelector: { a: '-' } })],
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
  ];
  // Helm tells of all that the schema refuses at once.
  const refusedTogether = together(
    refused,
    // A list is there whole or not at all.
    ([pointer]) => pointer.replace(/\/0(\/|$).*/, ''),
    ([, values]) => values,
  );
  it.each(refusedTogether)('refuses %s: %j', async (pointer, _, values) => {
    expect(await refusalOf(values)).toContain(`'/${pointer}'`);
  });

  const amounts = [
    ...['1e10', '16Gi', '2Pi', '128974848', '129e6', '1.5', '.5', '+1', '500m'],
    ...[7, 1.5],
  ].map((amount, index) => [amount, `example.com/${index}`] as const);
  it.each(amounts)('takes for an amount: %j', async (amount, name) => {
    const given = Object.fromEntries(amounts.map(([one, of]) => [of, one]));
    const values = resources({ requests: given, limits: given });
    const [container] = (await renderChart(values)).pod('farm-bivdiff-coordinator').containers;
    expect(container.resources.requests[name]).toBe(amount);
    expect(container.resources.limits[name]).toBe(amount);
  });

  it('takes null for no amount', async () => {
    const values = resources({ requests: { cpu: null }, limits: { memory: null } });
    const [container] = (await renderChart(values)).pod('farm-bivdiff-coordinator').containers;
    expect(container.resources.limits?.memory).toBeUndefined();
  });

  it('has the limits that the coordinator has', async () => {
    const text = await readFile(join(CHART, 'values.schema.json'), 'utf8');
    const { definitions } = JSON.parse(text);
    expect(Object.keys(definitions.limits.properties)).toEqual(Object.keys(DEFAULT_LIMITS));
  });
});
