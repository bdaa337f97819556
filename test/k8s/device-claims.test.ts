// GPUs by Dynamic Resource Allocation: the real scheduler gives claims devices out of slices that no driver published.

import { CoreV1Api, ResourceV1Api } from '@kubernetes/client-node';
import type { V1Pod } from '@kubernetes/client-node';
import { expect, it } from 'vitest';

import {
  addClaimTemplate,
  addDeviceClass,
  addDevices,
  claimingPod,
} from '../support/kubernetes/devices.ts';
import { addNodes, GPU, gpuPod } from '../support/kubernetes/nodes.ts';
import { isRunning, waitsWhy } from '../support/kubernetes/pods.ts';
import { until } from '../support/kubernetes/until.ts';
import { useControlPlane } from '../support/kubernetes/use-control-plane.ts';

const plane = useControlPlane({}, async (started) => {
  await addNodes(started, [{ name: 'small' }, { name: 'large' }]);
  await addDevices(started, [
    { node: 'small', count: 4, memory: '24Gi' },
    { node: 'large', count: 2, memory: '80Gi' },
  ]);
  await addDeviceClass(started, GPU);
});

const core = (): CoreV1Api => plane().api(CoreV1Api);

it('gives claims for much memory the large GPUs, and lets the rest wait for one of them', async () => {
  const namespace = 'vdm';
  await plane().createNamespace(namespace);
  await addClaimTemplate(plane(), namespace, { name: 'large', memory: '40Gi' });
  for (const name of ['a', 'b', 'c']) {
    await core().createNamespacedPod({ namespace, body: claimingPod(name, 'large') });
  }
  const pods = await settled(namespace);
  const waiting = pods.filter((pod) => !isRunning(pod));
  expect(pods.filter(isRunning).map(({ spec }) => spec?.nodeName)).toEqual(['large', 'large']);
  expect(waiting.map(waitsWhy)).toEqual([expect.stringContaining('cannot allocate all claims')]);
  expect(await devicesOf(namespace)).toEqual(['large/gpu-0', 'large/gpu-1']);

  // A GPU is another's once its pod is gone.
  const first = pods.find(isRunning)?.metadata?.name ?? '';
  await core().deleteNamespacedPod({ namespace, name: first });
  await until('the pod that waited runs', async () => {
    const { items } = await core().listNamespacedPod({ namespace });
    return items.length === 2 && items.every(isRunning);
  });
  expect(await devicesOf(namespace)).toEqual(['large/gpu-0', 'large/gpu-1']);
  await removeAll(namespace);
});

it('serves a pod that asks for nvidia.com/gpu from the same devices', async () => {
  const namespace = 'idm';
  await plane().createNamespace(namespace);
  for (let i = 1; i <= 7; i += 1) {
    await core().createNamespacedPod({ namespace, body: gpuPod(`p${i}`, 1) });
  }
  const pods = await settled(namespace);
  expect(pods.filter(isRunning)).toHaveLength(6);
  expect(await devicesOf(namespace)).toEqual([
    ...['large/gpu-0', 'large/gpu-1'],
    ...['small/gpu-0', 'small/gpu-1', 'small/gpu-2', 'small/gpu-3'],
  ]);
  await removeAll(namespace);
});

/** Each pod runs, or the scheduler has no place for it. */
async function settled(namespace: string): Promise<readonly V1Pod[]> {
  return until('each pod runs or is refused a place', async () => {
    const { items } = await core().listNamespacedPod({ namespace });
    return items.every((pod) => isRunning(pod) || waitsWhy(pod) !== '') && items;
  });
}

/** NODE/DEVICE of what is allocated to claims, sorted. */
async function devicesOf(namespace: string): Promise<string[]> {
  const { items } = await plane().api(ResourceV1Api).listNamespacedResourceClaim({ namespace });
  const devices = items.flatMap(({ status }) =>
    (status?.allocation?.devices?.results ?? []).map(({ pool, device }) => `${pool}/${device}`),
  );
  return devices.sort();
}

async function removeAll(namespace: string): Promise<void> {
  await core().deleteCollectionNamespacedPod({ namespace });
  await until('all claims are gone', async () => (await devicesOf(namespace)).length === 0);
}
