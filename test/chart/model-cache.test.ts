// Where a worker keeps models from the store, and graphs as they were optimised.

import { describe, expect, it } from 'vitest';

import type { Rendered, Yaml } from '../support/kubernetes/chart/objects.ts';
import { renderChart } from '../support/kubernetes/chart/render-chart.ts';

const VDM = 'farm-bivdiff-vdm';

const vdmOf = (vdm: Yaml): Promise<Rendered> => renderChart({ pools: { vdm } });
const worker = (chart: Rendered): Yaml => chart.pod(VDM).containers[0];

describe('the cache of models', () => {
  it('is the node’s disk, with some room', async () => {
    const { volumes } = (await vdmOf({ cache: { sizeGib: 10 } })).pod(VDM);
    expect(volumes).toContainEqual({ name: 'cache', emptyDir: { sizeLimit: '13Gi' } });
  });

  it('has room for optimised graphs if they are to be kept', async () => {
    const chart = await vdmOf({ cache: { sizeGib: 10, graphsGib: 20 } });
    const variable = (value: string) => ({ name: 'BIVDIFF_GRAPH_CACHE_GIB', value });
    expect(chart.pod(VDM).volumes).toContainEqual({
      name: 'cache',
      emptyDir: { sizeLimit: '33Gi' },
    });
    expect(worker(chart).env).toContainEqual(variable('20'));
    expect(worker(await vdmOf({})).env).toContainEqual(variable('0'));
  });

  it('may be a volume of its own', async () => {
    const ephemeral = {
      volumeClaimTemplate: {
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '40Gi' } } },
      },
    };
    const { volumes } = (await vdmOf({ cache: { volume: { ephemeral } } })).pod(VDM);
    expect(volumes).toContainEqual({ name: 'cache', ephemeral });
  });
});
