// Renders in the chart: the definition, the right to serve them, and what the coordinator is told.

import { describe, expect, it } from 'vitest';

import { readKubernetesSettings } from '../../coordinator/kubernetes/settings.ts';
import type { Rendered, Yaml } from '../support/kubernetes/chart/objects.ts';
import { refusalOf, renderChart } from '../support/kubernetes/chart/render-chart.ts';

const KIND = 'CustomResourceDefinition';
const volume = { persistentVolumeClaim: { claimName: 'clips' } };
const withRenders = (renders: Yaml = {}): Promise<Rendered> =>
  renderChart({ renders: { enabled: true, ...renders } });
const settingsOf = (chart: Rendered): Yaml =>
  readKubernetesSettings(
    chart.one('ConfigMap', 'farm-bivdiff-coordinator').data['kubernetes.yaml'],
    'kubernetes.yaml',
  ).renders;
const rulesOf = (chart: Rendered): Yaml[] =>
  chart.one('Role').rules.filter(({ apiGroups }: Yaml) => apiGroups.includes('bivdiff.dev'));

describe('Renders', () => {
  it('are not served unless one asks for them', async () => {
    const chart = await renderChart();
    expect(chart.ofKind(KIND)).toEqual([]);
    expect(settingsOf(chart)).toBeUndefined();
    expect(rulesOf(chart)).toEqual([]);
  });

  it('are served with their definition, which stays when the release goes', async () => {
    const chart = await withRenders();
    const { metadata, spec } = chart.one(KIND, 'renders.bivdiff.dev');
    expect(metadata.annotations['helm.sh/resource-policy']).toBe('keep');
    expect(metadata.namespace).toBeUndefined();
    const [version] = spec.versions;
    const { seed } = version.schema.openAPIV3Schema.properties.spec.properties.render.properties;
    expect(seed).toMatchObject({ maximum: Number.MAX_SAFE_INTEGER });
    expect(version.subresources).toEqual({ status: {} });
    expect(settingsOf(chart)).toEqual({ owner: 'kubernetes', priorityMax: 50 });
  });

  it('are served by the definition of another release', async () => {
    const chart = await withRenders({ definition: false });
    expect(chart.ofKind(KIND)).toEqual([]);
    expect(settingsOf(chart)).toBeDefined();
  });

  it('need these rights and no others', async () => {
    expect(rulesOf(await withRenders())).toEqual([
      { apiGroups: ['bivdiff.dev'], resources: ['renders'], verbs: ['list', 'patch', 'delete'] },
      { apiGroups: ['bivdiff.dev'], resources: ['renders/status'], verbs: ['patch'] },
    ]);
  });

  it('have an owner and a bound', async () => {
    const chart = await withRenders({ owner: 'team-a', priorityMax: 80 });
    expect(settingsOf(chart)).toEqual({ owner: 'team-a', priorityMax: 80 });
  });

  it('read their sources from a volume that is mounted to read', async () => {
    const chart = await withRenders({ sources: { volume } });
    expect(settingsOf(chart).sources).toBe('/sources');
    const { containers, volumes } = chart.pod('farm-bivdiff-coordinator');
    expect(volumes).toContainEqual({ name: 'sources', ...volume });
    expect(containers[0].volumeMounts).toContainEqual({
      ...{ name: 'sources', mountPath: '/sources', readOnly: true },
    });
  });

  it('can be changed by a hook', async () => {
    const merge = { metadata: { labels: { mine: 'yes' } } };
    const chart = await renderChart({
      renders: { enabled: true },
      overrides: { renderDefinition: { merge } },
    });
    expect(chart.one(KIND).metadata.labels.mine).toBe('yes');
  });

  it.each([
    [{ sources: { volume } }, 'renders.sources.volume is set and renders.enabled is false'],
    [
      { enabled: true, sources: { volume: { hostPath: { path: '/' } } } },
      'renders.sources.volume: a volume of kind hostPath is not let in',
    ],
    [{ enabled: true, priorityMax: 101 }, 'maximum: got 101, want 100'],
    [{ enabled: true, owner: 'Team A' }, 'does not match pattern'],
  ])('%j are refused', async (renders, sentence) => {
    expect(await refusalOf({ renders })).toContain(sentence);
  });
});
