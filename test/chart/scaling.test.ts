// Who says how many workers there are: one of scaler, HPA, KEDA and nobody; and the file that the coordinator reads.

import { describe, expect, it } from 'vitest';

import { readKubernetesSettings } from '../../coordinator/kubernetes/settings.ts';
import type { Rendered, Yaml } from '../support/kubernetes/chart/objects.ts';
import { renderChart } from '../support/kubernetes/chart/render-chart.ts';

const NUMERICS = 'cuda:nvidia-h200-cpu-x64-avx512/tf32+timed-search/onnxruntime-1.30.0/v8-13.6';
const POOLS = ['idm', 'mixer', 'vdm'];

function configOf(chart: Rendered): Yaml {
  const { data } = chart.one('ConfigMap', 'farm-bivdiff-coordinator');
  // By the reader of the program, which refuses what it does not know.
  return readKubernetesSettings(data['kubernetes.yaml'], 'kubernetes.yaml');
}
const replicasOf = (chart: Rendered): unknown[] =>
  POOLS.map((pool) => chart.one('Deployment', `farm-bivdiff-${pool}`).spec.replicas);

describe('the number of workers', () => {
  it.each(['scaler', 'hpa', 'keda'])(
    'is %s’s alone: an upgrade does not set it back',
    async (by) => {
      expect(replicasOf(await renderChart({ autoscaling: { by } }))).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    },
  );

  it('is fixed where nobody scales', async () => {
    const values = {
      autoscaling: { by: 'none' },
      poolDefaults: { replicas: 2 },
      pools: { vdm: { replicas: 0 } },
    };
    expect(replicasOf(await renderChart(values))).toEqual([2, 2, 0]);
  });

  it('is fixed for a pool whose max is 0', async () => {
    const values = { pools: { mixer: { replicas: 5, scaling: { max: 0 } } } };
    const chart = await renderChart(values);
    expect(replicasOf(chart)).toEqual([undefined, 5, undefined]);
    expect(Object.keys(configOf(chart).scaler.pools)).toEqual(['idm', 'vdm']);
  });

  it.each([
    ['scaler', 0, 0],
    ['hpa', 3, 0],
    ['keda', 0, 3],
    ['none', 0, 0],
  ])('has no second owner with %s', async (by, hpas, scaled) => {
    const chart = await renderChart({ autoscaling: { by } });
    expect(chart.ofKind('HorizontalPodAutoscaler')).toHaveLength(hpas);
    expect(chart.ofKind('ScaledObject')).toHaveLength(scaled);
    expect(configOf(chart).scaler === undefined).toBe(by !== 'scaler');
  });
});

describe('the coordinator’s file', () => {
  it('says all that the contract has', async () => {
    const pool = { min: 1, max: 4, slotsPerWorker: 1, cooldownSeconds: 120, startSeconds: 300 };
    expect(configOf(await renderChart())).toEqual({
      namespace: 'render',
      leaderElection: {
        ...{ lease: 'farm-bivdiff-coordinator', identity: 'POD_NAME' },
        ...{ leaseSeconds: 10, renewSeconds: 6, retrySeconds: 2 },
      },
      leaderLabel: 'bivdiff.dev/leader',
      scaler: {
        targetSeconds: 600,
        pools: Object.fromEntries(
          POOLS.map((name) => [name, { deployment: `farm-bivdiff-${name}`, ...pool }]),
        ),
      },
    });
  });

  it('has what each pool says', async () => {
    const scaling = { min: 0, max: 20, cooldownSeconds: 60, startSeconds: 900 };
    const chart = await renderChart({ pools: { vdm: { slots: 2, scaling } } });
    expect(configOf(chart).scaler.pools.vdm).toEqual({
      ...{ deployment: 'farm-bivdiff-vdm', slotsPerWorker: 2 },
      ...scaling,
    });
  });

  it('names the Deployment of a pool by what it serves', async () => {
    const pools = { vdm: null, h200: { serves: ['vdm'] } };
    const { scaler } = configOf(await renderChart({ pools }));
    expect(scaler.pools.vdm.deployment).toBe('farm-bivdiff-h200');
  });

  it.each([
    ['targetSeconds', 60],
    ['gpuSecondsMax', 100_000],
  ])('has %s', async (key, value) => {
    expect(configOf(await renderChart({ autoscaling: { [key]: value } })).scaler[key]).toBe(value);
  });

  it('starts coordinators anew when it changes', async () => {
    const sums = await Promise.all(
      [600, 601].map(async (targetSeconds) => {
        const chart = await renderChart({ autoscaling: { targetSeconds } });
        const { template } = chart.one('Deployment', 'farm-bivdiff-coordinator').spec;
        return template.metadata.annotations['checksum/config'];
      }),
    );
    expect(sums[0]).not.toBe(sums[1]);
  });
});

describe('the HPA', () => {
  it.each(POOLS)('of %s reads its queue’s seconds, for each slot of a worker', async (pool) => {
    const values = { autoscaling: { by: 'hpa', targetSeconds: 300 }, poolDefaults: { slots: 2 } };
    const { spec } = (await renderChart(values)).one(
      'HorizontalPodAutoscaler',
      `farm-bivdiff-${pool}`,
    );
    expect(spec).toMatchObject({
      scaleTargetRef: { kind: 'Deployment', name: `farm-bivdiff-${pool}` },
      ...{ minReplicas: 1, maxReplicas: 4 },
      behavior: { scaleDown: { stabilizationWindowSeconds: 120 } },
    });
    expect(spec.metrics).toEqual([
      {
        type: 'External',
        external: {
          metric: { name: 'bivdiff_queue_seconds', selector: { matchLabels: { pool } } },
          target: { type: 'AverageValue', averageValue: '600' },
        },
      },
    ]);
  });

  it('scales from zero on a cluster that can', async () => {
    const values = {
      ...{ autoscaling: { by: 'hpa' }, poolDefaults: { scaling: { min: 0 } } },
      coordinator: { numerics: NUMERICS },
    };
    const chart = await renderChart(values, { kubeVersion: '1.37.0' });
    expect(chart.one('HorizontalPodAutoscaler', 'farm-bivdiff-vdm').spec.minReplicas).toBe(0);
  });

  it('waits an hour at most, as its API does', async () => {
    const values = {
      autoscaling: { by: 'hpa' },
      poolDefaults: { scaling: { cooldownSeconds: 9_999 } },
    };
    const { spec } = (await renderChart(values)).one('HorizontalPodAutoscaler', 'farm-bivdiff-idm');
    expect(spec.behavior.scaleDown.stabilizationWindowSeconds).toBe(3600);
  });
});

describe('KEDA', () => {
  it.each(POOLS)('scales %s by what Prometheus knows', async (pool) => {
    const values = {
      ...{ autoscaling: { by: 'keda' }, poolDefaults: { scaling: { min: 0 } } },
      coordinator: { numerics: NUMERICS },
    };
    const { spec } = (await renderChart(values)).one('ScaledObject', `farm-bivdiff-${pool}`);
    expect(spec).toMatchObject({ minReplicaCount: 0, maxReplicaCount: 4, cooldownPeriod: 120 });
    expect(spec.triggers[0].metadata).toEqual({
      serverAddress: 'http://prometheus-operated.monitoring.svc:9090',
      query: `sum(bivdiff_queue_seconds{pool="${pool}", namespace="render"})`,
      threshold: '600',
    });
  });

  it('asks what one says', async () => {
    const keda = {
      query: 'q{r="RELEASE", p="POOL"}',
      serverAddress: 'http://p',
      pollingSeconds: 5,
    };
    const { spec } = (await renderChart({ autoscaling: { by: 'keda', keda } })).one(
      'ScaledObject',
      'farm-bivdiff-vdm',
    );
    expect(spec.pollingInterval).toBe(5);
    expect(spec.triggers[0].metadata.query).toBe('q{r="farm", p="vdm"}');
  });

  it('has a trigger for each kind of task of a pool', async () => {
    const pools = { idm: null, mixer: null, vdm: null, all: { serves: POOLS } };
    const { spec } = (await renderChart({ autoscaling: { by: 'keda' }, pools })).one(
      'ScaledObject',
    );
    expect(spec.triggers).toHaveLength(3);
  });
});
