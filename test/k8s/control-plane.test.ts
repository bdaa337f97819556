// The control plane that tests of Kubernetes run on does what a cluster's does: schedules, admits, refuses, and knows who asks.

import { readFile } from 'node:fs/promises';

import {
  ApiextensionsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  RbacAuthorizationV1Api,
} from '@kubernetes/client-node';
import type { V1Pod } from '@kubernetes/client-node';
import { expect, it } from 'vitest';

import { createFromYaml } from '../support/kubernetes/manifests.ts';
import { findProgram } from '../support/kubernetes/programs/find-program.ts';
import { refusalOf } from '../support/kubernetes/refusal.ts';
import { addNodes, alike, gpuPod } from '../support/kubernetes/nodes.ts';
import { isRunning, waitsWhy } from '../support/kubernetes/pods.ts';
import { until } from '../support/kubernetes/until.ts';
import { useControlPlane } from '../support/kubernetes/use-control-plane.ts';
import { BY_HAND_LABEL } from '../support/kubernetes/plane/kwok-stages.ts';

const plane = useControlPlane({ users: [{ name: 'alice' }, { name: 'bob' }] }, async (started) =>
  addNodes(started, alike(4, { name: 'gpu', gpus: 4 })),
);

const core = (): CoreV1Api => plane().api(CoreV1Api);

it('places one-GPU pods until the GPUs are all taken, and says why the rest waits', async () => {
  const namespace = 'scheduling';
  await plane().createNamespace(namespace);
  for (let i = 1; i <= 20; i += 1) {
    await core().createNamespacedPod({ namespace, body: gpuPod(`p${i}`, 1) });
  }
  const pods = await until('20 pods are running or refused a place', async () => {
    const { items } = await core().listNamespacedPod({ namespace });
    return items.every((pod) => isRunning(pod) || waitsWhy(pod) !== '') && items;
  });
  const waiting = pods.filter((pod) => !isRunning(pod));
  expect(pods.length - waiting.length).toBe(16);
  expect(waiting).toHaveLength(4);
  for (const pod of waiting) expect(waitsWhy(pod)).toContain('4 Insufficient nvidia.com/gpu');
  const perNode = Map.groupBy(pods, (pod) => pod.spec?.nodeName ?? 'none');
  expect([...perNode.values()].map((some) => some.length)).toEqual([4, 4, 4, 4, 4]);

  // The place of one that ends is another's.
  const first = pods.find((pod) => isRunning(pod))?.metadata?.name ?? '';
  await core().deleteNamespacedPod({ namespace, name: first });
  await until('another pod has its place', async () => {
    const { items } = await core().listNamespacedPod({ namespace });
    return items.filter((pod) => isRunning(pod)).length === 16;
  });
  await core().deleteCollectionNamespacedPod({ namespace });
});

it('leaves a pod to the test that plays it', async () => {
  const namespace = 'by-hand';
  await plane().createNamespace(namespace);
  const body = gpuPod('acted', 1, { [BY_HAND_LABEL]: '' });
  await core().createNamespacedPod({ namespace, body });
  await core().createNamespacedPod({ namespace, body: gpuPod('other', 1) });
  await until('both have a node and the other runs', async () => {
    const { items } = await core().listNamespacedPod({ namespace });
    const other = items.find((pod) => pod.metadata?.name === 'other');
    return (
      items.every((pod) => pod.spec?.nodeName !== undefined) &&
      other !== undefined &&
      isRunning(other)
    );
  });
  const name = 'acted';
  const acted = await core().readNamespacedPod({ namespace, name });
  expect(acted.status?.phase).toBe('Pending');
  // Deleted, it stays as long as its node has not let it go.
  await core().deleteNamespacedPod({ namespace, name });
  await core().deleteNamespacedPod({ namespace, name: 'other' });
  await until('the other is gone', async () => {
    const { items } = await core().listNamespacedPod({ namespace });
    return items.length === 1;
  });
  const left = await core().readNamespacedPod({ namespace, name });
  expect(left.metadata?.deletionTimestamp).toBeDefined();
  await core().deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 });
  await until('it is gone', async () => {
    const { items } = await core().listNamespacedPod({ namespace });
    return items.length === 0;
  });
});

it('refuses a privileged pod where Pod Security is restricted', async () => {
  const namespace = 'restricted';
  await plane().createNamespace(namespace, { 'pod-security.kubernetes.io/enforce': 'restricted' });
  const plain = gpuPod('plain', 1);
  const [container] = plain.spec!.containers;
  const privileged: V1Pod = {
    metadata: { name: 'privileged' },
    spec: { containers: [{ ...container!, securityContext: { privileged: true } }] },
  };
  const refusal = await refusalOf(core().createNamespacedPod({ namespace, body: privileged }));
  expect(refusal.code).toBe(403);
  expect(refusal.message).toContain('violates PodSecurity "restricted:latest"');
  expect(refusal.message).toContain('privileged (container "main" must not set');
  const confined: V1Pod = {
    metadata: { name: 'confined' },
    spec: {
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          ...container!,
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  };
  await core().createNamespacedPod({ namespace, body: confined });
});

it('lets one of two holders write a lease', async () => {
  const leases = plane().api(CoordinationV1Api);
  const at = { namespace: 'default', name: 'leader' };
  const lease = await leases.createNamespacedLease({
    namespace: 'default',
    body: { metadata: { name: 'leader' }, spec: { holderIdentity: 'a', leaseDurationSeconds: 10 } },
  });
  const heldBy = (holderIdentity: string): typeof lease => ({
    ...lease,
    spec: { ...lease.spec, holderIdentity },
  });
  const writes = ['b', 'c'].map(async (holder) =>
    leases.replaceNamespacedLease({ ...at, body: heldBy(holder) }),
  );
  const outcomes = await Promise.allSettled(writes);
  const [written] = outcomes.filter((outcome) => outcome.status === 'fulfilled');
  const [refused] = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(refused?.reason).toMatchObject({ code: 409 });
  const { spec } = await leases.readNamespacedLease(at);
  expect(spec?.holderIdentity).toBe(written?.value.spec?.holderIdentity);
  expect(['b', 'c']).toContain(spec?.holderIdentity);
});

it('holds custom resources to their rules in CEL', async () => {
  const [group, version, plural] = ['test.bivdiff.dev', 'v1', 'clips'];
  const frames = { type: 'integer', minimum: 1 };
  await plane()
    .api(ApiextensionsV1Api)
    .createCustomResourceDefinition({
      body: {
        metadata: { name: `${plural}.${group}` },
        spec: {
          ...{ group, scope: 'Namespaced', names: { plural, singular: 'clip', kind: 'Clip' } },
          versions: [
            {
              ...{ name: version, served: true, storage: true },
              schema: {
                openAPIV3Schema: {
                  type: 'object',
                  properties: {
                    spec: {
                      type: 'object',
                      properties: { frames, overlap: frames },
                      x_kubernetes_validations: [
                        {
                          rule: 'self.overlap < self.frames',
                          message: 'overlap must be less than frames',
                        },
                        { rule: 'self.frames == oldSelf.frames', message: 'frames is immutable' },
                      ],
                    },
                  },
                },
              },
            },
          ],
        },
      },
    });
  const custom = plane().api(CustomObjectsApi);
  const at = { group, version, plural, namespace: 'default' };
  const clip = (spec: object): object => ({
    ...{ apiVersion: `${group}/${version}`, kind: 'Clip', metadata: { name: 'a' }, spec },
  });
  await until('the API server serves clips', async (): Promise<unknown> =>
    custom.listNamespacedCustomObject(at),
  );
  const create = async (spec: object): Promise<unknown> =>
    custom.createNamespacedCustomObject({ ...at, body: clip(spec) });
  const refusal = await refusalOf(create({ frames: 8, overlap: 8 }));
  expect(refusal.code).toBe(422);
  expect(refusal.message).toContain('overlap must be less than frames');
  await create({ frames: 8, overlap: 2 });
  const change = custom.patchNamespacedCustomObject({
    ...{ ...at, name: 'a' },
    body: [{ op: 'replace', path: '/spec/frames', value: 16 }],
  });
  expect((await refusalOf(change)).message).toContain('frames is immutable');
});

it('tells users and service accounts apart, and lets each do what a role grants', async () => {
  const namespace = 'roles';
  await plane().createNamespace(namespace);
  const rbac = plane().api(RbacAuthorizationV1Api);
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }];
  await rbac.createNamespacedRole({ namespace, body: { metadata: { name: 'reader' }, rules } });
  await core().createNamespacedServiceAccount({
    namespace,
    body: { metadata: { name: 'worker' } },
  });
  await rbac.createNamespacedRoleBinding({
    namespace,
    body: {
      metadata: { name: 'readers' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [
        { kind: 'User', name: 'alice', apiGroup: 'rbac.authorization.k8s.io' },
        { kind: 'ServiceAccount', name: 'worker', namespace },
      ],
    },
  });
  const account = await plane().serviceAccount(namespace, 'worker');
  const alice = plane().api(CoreV1Api, plane().user('alice').config);
  const worker = plane().api(CoreV1Api, account.config);
  const bob = plane().api(CoreV1Api, plane().user('bob').config);
  await alice.listNamespacedPod({ namespace });
  await worker.listNamespacedPod({ namespace });
  const others = await Promise.all([
    refusalOf(bob.listNamespacedPod({ namespace })),
    refusalOf(worker.listNamespacedPod({ namespace: 'default' })),
    refusalOf(alice.deleteNamespacedPod({ namespace, name: 'none' })),
  ]);
  expect(others.map(({ code }) => code)).toEqual([403, 403, 403]);
  expect(others[0].message).toContain('User "bob" cannot list resource "pods"');
  const stranger = await plane().access('no-such-token');
  const unknown = plane().api(CoreV1Api, stranger.config).listNamespacedPod({ namespace });
  expect((await refusalOf(unknown)).code).toBe(401);
});

it.each([
  ['keda-crds', 'keda.sh', 'scaledobjects'],
  ['kueue-crds', 'kueue.x-k8s.io', 'localqueues'],
] as const)('takes the custom resources of %s', async (name, group, plural) => {
  await createFromYaml(plane(), await readFile(await findProgram(name), 'utf8'));
  const crd = await plane()
    .api(ApiextensionsV1Api)
    .readCustomResourceDefinition({ name: `${plural}.${group}` });
  const served = crd.spec.versions.filter((version) => version.served).map((one) => one.name);
  expect(served).not.toEqual([]);
  const at = { group, version: served[0]!, plural, namespace: 'default' };
  await until('the API server serves them', async (): Promise<unknown> =>
    plane().api(CustomObjectsApi).listNamespacedCustomObject(at),
  );
});
