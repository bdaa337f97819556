// ServiceMonitor, alert rules and dashboard: off unless asked for, and of metrics that there are.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { METRICS } from '../../cli/programs/metrics/metric-list.ts';
import type { Yaml } from '../support/kubernetes/chart/objects.ts';
import { CHART, renderChart } from '../support/kubernetes/chart/render-chart.ts';
import { getPromtool } from '../support/kubernetes/programs/get-promtool.ts';

const run = promisify(execFile);
const metrics = {
  serviceMonitor: { enabled: true, labels: { release: 'p' }, interval: '5s' },
  rules: { enabled: true },
  dashboard: { enabled: true },
};
const ALERTS = join(CHART, 'files/alerts.yaml');

/** Every metric that a text names, as the list has it: histograms have three. */
function metricsIn(text: string): string[] {
  const names = text.match(/\b(bivdiff|process)_[a-z_]+/g) ?? [];
  return names.map((name) => name.replace(/_(bucket|sum|count)$/, ''));
}

describe('monitoring', async () => {
  const chart = await renderChart({ metrics });

  it('is off unless asked for', async () => {
    const off = await renderChart();
    for (const kind of ['ServiceMonitor', 'PrometheusRule']) expect(off.ofKind(kind)).toEqual([]);
    expect(off.names('ConfigMap')).not.toContain('farm-bivdiff-dashboard');
    expect(off.names('Service')).not.toContain('farm-bivdiff-metrics');
  });

  it('reads every coordinator and worker by itself', () => {
    const { spec } = chart.one('Service', 'farm-bivdiff-metrics');
    expect(spec.clusterIP).toBe('None');
    expect(spec.selector['app.kubernetes.io/component']).toBeUndefined();
    const monitor = chart.one('ServiceMonitor');
    expect(monitor.metadata.labels.release).toBe('p');
    expect(monitor.spec.endpoints).toEqual([
      { port: 'http', path: '/metrics', interval: '5s', honorLabels: true },
    ]);
    const { labels } = chart.one('Service', 'farm-bivdiff-metrics').metadata;
    expect(labels).toMatchObject(monitor.spec.selector.matchLabels);
  });

  it('has the rules and the dashboard of the files, word for word', async () => {
    expect(chart.one('PrometheusRule').spec).toEqual(parse(await readFile(ALERTS, 'utf8')));
    const { data } = chart.one('ConfigMap', 'farm-bivdiff-dashboard');
    const file = await readFile(join(CHART, 'files/dashboard.json'), 'utf8');
    expect(JSON.parse(data['bivdiff.json'])).toEqual(JSON.parse(file));
  });

  it.each(['alerts.yaml', 'dashboard.json'])('%s names metrics that there are', async (file) => {
    const names = metricsIn(await readFile(join(CHART, 'files', file), 'utf8'));
    expect(names.length).toBeGreaterThan(8);
    for (const name of names) expect(Object.keys(METRICS)).toContain(name);
  });

  it('HPA and KEDA ask for a metric that there is, by a label that it has', async () => {
    const standard: Yaml = parse(await readFile(join(CHART, 'values.yaml'), 'utf8'));
    expect(Object.keys(METRICS)).toContain(standard.autoscaling.hpa.metric);
    expect(metricsIn(standard.autoscaling.keda.query)).toEqual(['bivdiff_queue_seconds']);
    expect(METRICS.bivdiff_queue_seconds.labels).toHaveProperty('pool');
  });

  it('has panels that do not lie on each other', async () => {
    const { panels } = JSON.parse(await readFile(join(CHART, 'files/dashboard.json'), 'utf8'));
    const cells = (panels as { gridPos: Record<'x' | 'y' | 'w' | 'h', number> }[]).flatMap(
      ({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('has rules that promtool takes, and that fire as they say', async () => {
    const promtool = await getPromtool();
    const { stdout } = await run(promtool, ['check', 'rules', ALERTS]);
    expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
    const tests = join(import.meta.dirname, 'alerts.promtool.yaml');
    expect((await run(promtool, ['test', 'rules', tests])).stdout).toContain('SUCCESS');
  });
});
