// A pool's Deployment: device, memory, placement, grace, and what differs from pool to pool.

import { describe, expect, it } from 'vitest';

import type { Rendered, Yaml } from '../support/kubernetes/chart/objects.ts';
import { renderChart } from '../support/kubernetes/chart/render-chart.ts';
import { together } from '../support/kubernetes/chart/together.ts';

const POOLS = ['idm', 'mixer', 'vdm'];
const VDM = 'farm-bivdiff-vdm';

async function vdmOf(vdm: Yaml, more: Yaml = {}): Promise<Rendered> {
  return renderChart({ ...more, pools: { ...(more.pools as object), vdm } });
}
const worker = (chart: Rendered, name = VDM): Yaml => chart.pod(name).containers[0];

describe('by default', async () => {
  const chart = await renderChart();

  it.each(POOLS)('%s serves its own tasks, on one GPU', (pool) => {
    const name = `farm-bivdiff-${pool}`;
    expect(chart.flags(name, '--pool', 'worker')).toEqual([pool]);
    expect(chart.flags(name, '--device', 'worker')).toEqual(['cuda']);
    expect(worker(chart, name).resources.limits).toEqual({ memory: '16Gi', 'nvidia.com/gpu': 1 });
    expect(worker(chart, name).image).toBe('bivdiff-worker-cuda:0.1.0');
  });

  it.each(POOLS)('%s bears the taint of GPUs, and its workers spread', (pool) => {
    const spec = chart.pod(`farm-bivdiff-${pool}`);
    expect(spec.tolerations).toEqual([
      { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' },
    ]);
    const [spread] = spec.topologySpreadConstraints;
    expect(spread).toMatchObject({ topologyKey: 'kubernetes.io/hostname', maxSkew: 1 });
    expect(spread.labelSelector.matchLabels['bivdiff.dev/pool']).toBe(pool);
  });

  it.each([
    ['idm', 120, '90'],
    ['mixer', 120, '90'],
    ['vdm', 180, '150'],
  ])('%s has the sum of step, upload and margin to end: %i s', (pool, grace, drain) => {
    const name = `farm-bivdiff-${pool}`;
    expect(chart.pod(name).terminationGracePeriodSeconds).toBe(grace);
    expect(chart.flags(name, '--drain-seconds', 'worker')).toEqual([drain]);
  });

  it.each(POOLS)('%s is called by its pods’ names, and asks the cluster nothing', (pool) => {
    const name = `farm-bivdiff-${pool}`;
    expect(chart.flags(name, '--name', 'worker')).toEqual(['$(POD_NAME)']);
    expect(chart.pod(name).automountServiceAccountToken).toBe(false);
  });

  it.each(POOLS)('%s gives up its device before it takes another', (pool) => {
    const { strategy } = chart.one('Deployment', `farm-bivdiff-${pool}`).spec;
    expect(strategy.rollingUpdate).toEqual({ maxSurge: 0, maxUnavailable: 1 });
  });

  it('starts for half an hour before it is started anew', () => {
    const { startupProbe } = worker(chart);
    expect(startupProbe.httpGet.path).toBe('/startupz');
    expect(startupProbe.periodSeconds * startupProbe.failureThreshold).toBe(1800);
  });
});

describe('a pool', () => {
  const told: [string, Yaml, string, string][] = [
    ['slots', 3, '--slots', '3'],
    ['threads', 6, '--threads', '6'],
    ['memoryGib', 20, '--memory-gib', '20'],
    ['memoryGib', 7.5, '--memory-gib', '7.5'],
    ['checkpointSeconds', 0, '--checkpoint-seconds', '0'],
    ['checkpointSeconds', 30, '--checkpoint-seconds', '30'],
    ['heldGib', 0, '--held-gib', '0'],
    ['heldGib', 2.5, '--held-gib', '2.5'],
    ['cache', { sizeGib: 100 }, '--cache-gib', '100'],
    ['extraArgs', ['--name', 'x y'], '--name', '$(POD_NAME)'],
  ];
  const toldTogether = together(
    told,
    ([key]) => key,
    ([key, value]) => ({ [key]: value }),
  );
  it.each(toldTogether)('is told %s: %j', async (...[, , flag, word, values]) => {
    const chart = await vdmOf(values);
    expect(chart.flags(VDM, flag, 'worker')[0]).toBe(word);
  });

  it.each(['--threads', '--memory-gib', '--checkpoint-seconds', '--held-gib', '--no-models'])(
    'is not told %s without need',
    async (flag) => {
      expect((await renderChart()).args(VDM, 'worker')).not.toContain(flag);
    },
  );

  const own: [string, Yaml][] = [
    ['nodeSelector', { gpu: 'h200' }],
    ['tolerations', [{ key: 'spot', operator: 'Exists' }]],
    ['priorityClassName', 'render'],
    ['runtimeClassName', 'nvidia'],
    [
      'topologySpreadConstraints',
      [{ maxSkew: 2, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
    ],
    ['affinity', { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } }],
  ];
  const all = { ...Object.fromEntries(own), podLabels: { a: 'b' }, podAnnotations: { a: 'b' } };

  it.each(own)('has its own %s', async (key, value) => {
    expect((await vdmOf(all)).pod(VDM)[key]).toEqual(value);
  });

  it.each([
    ['podLabels', 'labels'],
    ['podAnnotations', 'annotations'],
  ])('has its own %s', async (_, field) => {
    const chart = await vdmOf(all);
    expect(chart.one('Deployment', VDM).spec.template.metadata[field]).toMatchObject({ a: 'b' });
  });

  it('has its own environment, which preflight has too', async () => {
    const extraEnv = [{ name: 'NVIDIA_TF32_OVERRIDE', value: '0' }];
    const { containers, initContainers } = (await vdmOf({ extraEnv })).pod(VDM);
    for (const { env } of [...containers, ...initContainers])
      expect(env).toContainEqual(extraEnv[0]);
  });

  it('may be one more, and its own', async () => {
    const serves = ['vdm'];
    const small = {
      serves,
      scaling: { max: 0 },
      replicas: 3,
      gpu: { resource: 'nvidia.com/mig-3g.40gb' },
    };
    const chart = await renderChart({ pools: { 'vdm-small': small } });
    expect(chart.one('Deployment', 'farm-bivdiff-vdm-small').spec.replicas).toBe(3);
    const { resources } = worker(chart, 'farm-bivdiff-vdm-small');
    expect(resources.limits['nvidia.com/mig-3g.40gb']).toBe(1);
    expect(resources.limits['nvidia.com/gpu']).toBeUndefined();
    const [bears] = chart.pod('farm-bivdiff-vdm-small').tolerations;
    expect(bears.key).toBe('nvidia.com/gpu');
  });

  it('may be taken away, or off, where another serves its tasks', async () => {
    const all = { serves: POOLS, scaling: { max: 0 } };
    const without = { idm: null, mixer: { enabled: false }, vdm: { enabled: false }, all };
    const chart = await renderChart({ pools: without });
    const names = chart.names('Deployment').filter((name) => !name.endsWith('coordinator'));
    expect(names).toEqual(['farm-bivdiff-all']);
    expect(chart.flags('farm-bivdiff-all', '--pool', 'worker')).toEqual(POOLS);
  });

  it('changes what it names of a map, and keeps the rest', async () => {
    const chart = await vdmOf({ resources: { limits: { memory: '64Gi' } } });
    const { requests, limits } = worker(chart).resources;
    expect(limits.memory).toBe('64Gi');
    expect(requests).toEqual({ cpu: '2', memory: '8Gi' });
  });

  it('is changed with all of them by poolDefaults', async () => {
    const chart = await renderChart({ poolDefaults: { slots: 2 }, pools: { vdm: { slots: 4 } } });
    const slots = POOLS.map((pool) => chart.flags(`farm-bivdiff-${pool}`, '--slots', 'worker')[0]);
    expect(slots).toEqual(['2', '2', '4']);
  });
});

describe('memory of the device', () => {
  it('chooses nodes by the label of NVIDIA’s feature discovery', async () => {
    const { affinity } = (await vdmOf({ gpu: { memoryGibMin: 40 } })).pod(VDM);
    const [term] =
      affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms;
    expect(term.matchExpressions).toEqual([
      { key: 'nvidia.com/gpu.memory', operator: 'Gt', values: ['40959'] },
    ]);
  });

  it('joins each alternative of one’s own affinity', async () => {
    const zone = (name: string) => ({
      matchExpressions: [{ key: 'zone', operator: 'In', values: [name] }],
    });
    const required = { nodeSelectorTerms: [zone('a'), zone('b')] };
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } };
    const spec = (await vdmOf({ affinity, gpu: { memoryGibMin: 16 } })).pod(VDM);
    const terms =
      spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms;
    const keys = (terms as Yaml[]).map((term) => term.matchExpressions.map((one: Yaml) => one.key));
    expect(keys).toEqual([
      ['zone', 'nvidia.com/gpu.memory'],
      ['zone', 'nvidia.com/gpu.memory'],
    ]);
  });

  const half: [string | number, string][] = [
    ['16Gi', '8'],
    ['8192Mi', '4'],
    ['1Pi', '524288'],
    ['8589934592e1', '40'],
    ['8589934592000m', '4'],
    ['1e10', '4.656612873077393'],
    [17_179_869_184, '8'],
  ];
  // A pool of each.
  const pools = half.map(([memory], index) => {
    const more = { serves: ['vdm'], scaling: { max: 0 } };
    return [`of-${index}`, { ...more, resources: { limits: { memory } } }] as const;
  });
  it.each(half.map(([memory, gib], index) => [memory, gib, `farm-bivdiff-of-${index}`] as const))(
    'is half of the container’s on processors: of %s %s GiB',
    async (_, gib, name) => {
      const chart = await renderChart({ device: 'cpu', pools: Object.fromEntries(pools) });
      expect(chart.flags(name, '--memory-gib', 'worker')).toEqual([gib]);
      expect(chart.flags(name, '--memory-gib', 'preflight')).toEqual([gib]);
    },
  );

  it('is claimed from a DeviceClass, with a selector and a share', async () => {
    const dra = { deviceClass: 'gpu.nvidia.com', memory: '8Gi', selectors: ['true'] };
    const chart = await vdmOf({ dra, gpu: { memoryGibMin: 16 } });
    const template = chart.one('ResourceClaimTemplate', VDM);
    expect(template.spec.spec.devices.requests).toEqual([
      {
        name: 'gpu',
        exactly: {
          deviceClassName: 'gpu.nvidia.com',
          count: 1,
          selectors: [
            { cel: { expression: 'true' } },
            {
              cel: {
                expression:
                  "device.capacity['gpu.nvidia.com'].memory.compareTo(quantity('16384Mi')) >= 0",
              },
            },
          ],
          capacity: { requests: { memory: '8Gi' } },
        },
      },
    ]);
    expect(chart.pod(VDM).resourceClaims).toEqual([
      { name: 'gpu', resourceClaimTemplateName: VDM },
    ]);
    expect(worker(chart).resources.claims).toEqual([{ name: 'gpu' }]);
    expect(worker(chart).resources.limits['nvidia.com/gpu']).toBeUndefined();
    expect(chart.pod(VDM).affinity).toBeUndefined();
  });

  it('is claimed by a template of one’s own', async () => {
    const chart = await vdmOf({ dra: { claimTemplate: 'mine' } });
    expect(chart.pod(VDM).resourceClaims[0].resourceClaimTemplateName).toBe('mine');
    expect(chart.ofKind('ResourceClaimTemplate')).toEqual([]);
  });
});

describe('the end of a worker', () => {
  it.each([
    [{ longestStepSeconds: 600 }, 660, '630'],
    [{ uploadSeconds: 120 }, 270, '240'],
    [{ marginSeconds: 60 }, 210, '150'],
  ])('has what is declared: %j', async (drain, grace, seconds) => {
    const chart = await vdmOf({ drain });
    expect(chart.pod(VDM).terminationGracePeriodSeconds).toBe(grace);
    expect(chart.flags(VDM, '--drain-seconds', 'worker')).toEqual([seconds]);
  });

  it('may have more', async () => {
    const chart = await vdmOf({ terminationGracePeriodSeconds: 900 });
    expect(chart.pod(VDM).terminationGracePeriodSeconds).toBe(900);
  });

  it.each([30, 95, 3601])('is not cut short while models load for %i s', async (startupSeconds) => {
    const { startupProbe } = worker(await vdmOf({ startupSeconds }));
    expect(startupProbe.failureThreshold).toBe(Math.ceil(startupSeconds / 10));
  });
});

describe('what stands beside a pool', () => {
  it.each(POOLS)('bounds evictions of %s, and lets those go that do not start', async (pool) => {
    const { spec } = (await renderChart()).one('PodDisruptionBudget', `farm-bivdiff-${pool}`);
    expect(spec).toMatchObject({ maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' });
  });

  it('may be more evictions at once, or no bound', async () => {
    const chart = await vdmOf({ podDisruptionBudget: { maxUnavailable: '25%' } });
    expect(chart.one('PodDisruptionBudget', VDM).spec.maxUnavailable).toBe('25%');
    const without = await vdmOf({ podDisruptionBudget: { enabled: false } });
    expect(without.names('PodDisruptionBudget')).not.toContain(VDM);
  });

  it('is Kueue’s queue, on Deployment and pods as Kueue wants it', async () => {
    const chart = await renderChart({ kueue: { queue: 'gpus' }, autoscaling: { by: 'none' } });
    for (const pool of POOLS) {
      const { metadata } = chart.one('Deployment', `farm-bivdiff-${pool}`);
      expect(metadata.labels['kueue.x-k8s.io/queue-name']).toBe('gpus');
    }
    const { metadata } = chart.one('Deployment', 'farm-bivdiff-coordinator');
    expect(metadata.labels['kueue.x-k8s.io/queue-name']).toBeUndefined();
  });
});
