// Goal: the scaler sets replicas of real Deployments to the work that is there, removes idle workers and no others, and touches nothing that it
// does not see whole. Method: a real API server, controllers and scheduler with GPU nodes that KWOK plays, and the account that the chart gives;
// the pods' workers and the jobs are acted.

import { AppsV1Api, CoreV1Api } from '@kubernetes/client-node';
import { afterEach, expect, it } from 'vitest';

import { HOLDS } from '../../coordinator/kubernetes/scaler/object-facts.ts';
import { startLyingProxy } from '../support/kubernetes/lying/lying-proxy.ts';
import { addNodes, alike, GPU } from '../support/kubernetes/nodes.ts';
import {
  jobOf,
  replicasOf as replicasOfPlane,
  SCALER_RULES,
  startScaledPools,
} from '../support/kubernetes/scaling/scaled-pools.ts';
import type { Arrangement } from '../support/kubernetes/scaling/scaled-pools.ts';
import { until } from '../support/kubernetes/until.ts';
import { useControlPlane } from '../support/kubernetes/use-control-plane.ts';

const plane = useControlPlane({}, async (started) => {
  await addNodes(started, alike(4, { name: 'gpu-node', gpus: 4 }));
});

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

async function arrange(arrangement: Arrangement) {
  const started = await startScaledPools(plane(), arrangement);
  endings.push(started.end);
  return started;
}

async function replicasOf(namespace: string, name: string): Promise<number> {
  return replicasOfPlane(plane(), namespace, name);
}

async function annotationsOf(namespace: string, name: string): Promise<Record<string, string>> {
  const { metadata } = await plane().api(CoreV1Api).readNamespacedPod({ namespace, name });
  return metadata?.annotations ?? {};
}

it('starts workers from zero within five seconds of a job, for the first stages first, and ends all when nothing is to be done', async () => {
  const { namespace, workers, farm } = await arrange({ pools: { idm: {}, mixer: {}, vdm: {} } });
  const beganMs = performance.now();
  farm.jobs = [jobOf(96)];
  await until('workers for the first stages', async () => (await replicasOf(namespace, 'idm')) > 0);
  expect(performance.now() - beganMs).toBeLessThan(5_000);
  expect(farm.changes[0]).toMatchObject({ deployment: 'idm', from: 0 });
  expect(farm.changes[0]!.reason).toMatch(/s of work for 1 job, the first due in/);
  await until('their pods run', async () => workers.names.some((name) => name.startsWith('idm')));
  farm.jobs = [];
  await until('none is left', async () => {
    for (const pool of ['idm', 'mixer', 'vdm']) {
      if ((await replicasOf(namespace, pool)) > 0) return false;
    }
    return workers.names.length === 0;
  });
  expect(farm.troubles).toEqual([]);
});

it('removes idle workers and keeps those that run something, which it holds', async () => {
  const { namespace, workers, farm } = await arrange({ pools: { vdm: {} }, replicas: 6 });
  await until('six workers', async () => workers.names.length === 6);
  const busy = workers.names.filter((_, index) => index % 3 === 1);
  for (const name of busy) workers.run(name, true);
  await until('only the busy ones are left', async () => workers.names.length === 2);
  expect([...workers.names].sort()).toEqual([...busy].sort());
  expect(await replicasOf(namespace, 'vdm')).toBe(2);
  for (const name of busy) expect(await annotationsOf(namespace, name)).toMatchObject(HOLDS);
  for (const name of busy) workers.run(name, false);
  await until('none is left', async () => workers.names.length === 0);
  expect(workers.lost).toEqual([]);
  expect(farm.troubles).toEqual([]);
});

it('never goes below the least', async () => {
  const { namespace, workers } = await arrange({ pools: { vdm: { min: 2 } }, replicas: 4 });
  await until('four workers', async () => workers.names.length === 4);
  await until('two are left', async () => workers.names.length === 2);
  expect(await replicasOf(namespace, 'vdm')).toBe(2);
});

it('says who else sets replicas', async () => {
  const { namespace, farm } = await arrange({ pools: { vdm: { min: 1 } }, replicas: 1 });
  await until('it has looked', async () => farm.looks > 0);
  const patch = { op: 'replace', path: '/spec/replicas', value: 3 };
  await plane()
    .api(AppsV1Api)
    .patchNamespacedDeploymentScale({
      ...{ namespace, name: 'vdm', body: [patch], fieldManager: 'somebody' },
    });
  await until('it is said', async () => farm.troubles.length > 0);
  expect(farm.troubles[0]!.message).toMatch(
    /"somebody" has set replicas of Deployment vdm from 1 to 3: .*one owner/,
  );
});

it('says which verb it lacks, and does nothing', async () => {
  const rules = SCALER_RULES.filter(({ resources }) => resources?.[0] !== 'deployments/scale');
  const { namespace, farm } = await arrange({ pools: { vdm: { min: 1 } }, rules });
  await until('it is said', async () => farm.troubles.length > 0);
  expect(farm.troubles[0]!.code).toBe('permission-denied');
  expect(farm.troubles[0]!.hint).toMatch(/verb get on deployments\/scale of API group apps/);
  expect(await replicasOf(namespace, 'vdm')).toBe(0);
  // Nor is it said that something was done.
  expect(farm.changes).toEqual([]);
});

it('says why pods do not start, and asks for no more where the cluster has no room', async () => {
  const { namespace, farm } = await arrange({
    pools: { vdm: { min: 20, max: 40, startSeconds: 2 } },
  });
  await until('it is said', async () => farm.troubles.length > 0);
  expect(farm.troubles[0]!.message).toMatch(new RegExp(`starting for .* Insufficient ${GPU}`));
  farm.jobs = [jobOf(960)];
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  expect(await replicasOf(namespace, 'vdm')).toBe(20);
});

it('changes nothing while the lists are refused, cut, stale or late, and goes on when they are whole', async () => {
  await using proxy = await startLyingProxy(plane().server);
  const { namespace, workers, farm } = await arrange({
    ...{ pools: { vdm: {} }, replicas: 5, server: proxy.server },
  });
  await until('five workers', async () => workers.names.length === 5);
  const [busy, ...others] = workers.names;
  for (const name of workers.names) workers.run(name, true);
  await until(
    'they are held',
    async () => (await annotationsOf(namespace, busy!))['karpenter.sh/do-not-disrupt'] === 'true',
  );
  for (const lie of [
    'error',
    'too-many',
    'cut-list',
    'empty-list',
    'stale-list',
    'break-body',
  ] as const) {
    proxy.lieOf = ({ kind, path }) => (kind === 'list' && path.endsWith('/pods') ? lie : undefined);
    for (const name of others) workers.run(name, false);
    const asked = proxy.told.length;
    await until(`lies: ${lie}`, async () => proxy.told.length >= asked + 2, 120_000);
    expect(await replicasOf(namespace, 'vdm'), lie).toBe(5);
    for (const name of others) expect(workers.run(name, true), lie).toBe(true);
  }
  expect(farm.changes).toEqual([]);
  proxy.lieOf = () => undefined;
  for (const name of others) workers.run(name, false);
  await until('only the busy one is left', async () => workers.names.length === 1, 120_000);
  expect(workers.names).toEqual([busy]);
  expect(workers.lost).toEqual([]);
});
