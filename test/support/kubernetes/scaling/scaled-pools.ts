// Deployments on a control plane, acted workers in their pods, and the product's scaler over them, with an account of its own.

import { AppsV1Api, CoreV1Api, RbacAuthorizationV1Api } from '@kubernetes/client-node';
import type { V1Deployment, V1PolicyRule } from '@kubernetes/client-node';

import { digestText } from '../../../../common/digest.ts';
import type { BivdiffError } from '../../../../common/errors.ts';
import { numericsKeyOf } from '../../../../common/stage-facts.ts';
import type { JobId } from '../../../../common/task.ts';
import { workOfPlan } from '../../../../coordinator/domain/cost.ts';
import { createPlan } from '../../../../coordinator/domain/plan.ts';
import { openKubeApi } from '../../../../coordinator/kubernetes/api/kube-api.ts';
import { runScaler } from '../../../../coordinator/kubernetes/scaler/run-scaler.ts';
import type {
  ReplicasChanged,
  ScalerStatus,
} from '../../../../coordinator/kubernetes/scaler/run-scaler.ts';
import { systemClock } from '../../../../coordinator/ports.ts';
import type { JobAhead } from '../../../../coordinator/scaling/predicted-work.ts';
import type { PoolSettings } from '../../../../coordinator/scaling/settings.ts';
import { simulatedJob } from '../../../../coordinator/simulation/scenario.ts';
import { ACTED_NUMERICS, ActedWorkers } from '../acted-workers.ts';
import type { ControlPlane } from '../plane/control-plane.ts';
import type { Access, Server } from '../plane/credentials.ts';
import { gpuPod } from '../nodes.ts';

/** As the chart's. */
export const SCALER_RULES: V1PolicyRule[] = [
  { apiGroups: [''], resources: ['pods'], verbs: ['list', 'patch'] },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['list'] },
  { apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['get', 'update'] },
];

/** Name of the account, its Role and its binding. */
export const SCALER_ACCOUNT = 'coordinator';

export interface Arrangement {
  readonly pools: Readonly<Record<string, Partial<PoolSettings>>>;
  readonly replicas?: number;
  readonly rules?: V1PolicyRule[];
  readonly server?: Server;
}

let namespaces = 0;

/** A namespace with a Deployment for each pool, acted workers in its pods, and a scaler with its own account. */
export async function startScaledPools(plane: ControlPlane, arrangement: Arrangement) {
  const { pools, replicas = 0, rules = SCALER_RULES, server } = arrangement;
  namespaces += 1;
  const namespace = `scaler-${namespaces}`;
  await plane.createNamespace(namespace);
  await grantScaler(plane, namespace, rules);
  for (const pool of Object.keys(pools)) {
    const body = deploymentOf(pool, replicas);
    await plane.api(AppsV1Api).createNamespacedDeployment({ namespace, body });
  }
  const { token } = await plane.serviceAccount(namespace, SCALER_ACCOUNT);
  const access = await plane.access(token, { namespace, ...(server && { server }) });
  const workers = new ActedWorkers(plane, namespace);
  const ending = new AbortController();
  const farm = {
    jobs: [] as JobAhead[],
    changes: [] as ReplicasChanged[],
    troubles: [] as BivdiffError[],
    /** Of the last look: what was decided for each pool, and why. */
    looks: 0,
    reasons: {} as ScalerStatus,
  };
  const api = await withKubeconfig(access, openKubeApi);
  const running = Promise.all([
    workers.follow(ending.signal),
    runScaler(
      {
        ...{ api, namespace, clock: systemClock, wallMs: Date.now },
        settings: { targetSeconds: 600, pools: settingsOf(pools) },
        heardWorkers: () => workers.heard,
        listeningSinceMs: -1e9,
        jobs: () => farm.jobs,
        rest: (name) => {
          workers.rest(name);
        },
        onLook: (reasons) => {
          farm.looks += 1;
          farm.reasons = reasons;
        },
        onChange: (change) => farm.changes.push(change),
        onTrouble: (trouble) => farm.troubles.push(trouble),
      },
      ending.signal,
    ),
  ]);
  const end = async (): Promise<void> => {
    ending.abort();
    await running;
    await plane.api(AppsV1Api).deleteCollectionNamespacedDeployment({ namespace });
  };
  return { namespace, workers, farm, end };
}

/** Does something as a program that was given this kubeconfig. */
export async function withKubeconfig<T>(
  { kubeconfig }: Access,
  work: () => Promise<T>,
): Promise<T> {
  const before = process.env['KUBECONFIG'];
  process.env['KUBECONFIG'] = kubeconfig;
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env['KUBECONFIG'];
    else process.env['KUBECONFIG'] = before;
  }
}

export async function grantScaler(
  plane: ControlPlane,
  namespace: string,
  rules: V1PolicyRule[] = SCALER_RULES,
): Promise<void> {
  const metadata = { name: SCALER_ACCOUNT };
  await plane.api(CoreV1Api).createNamespacedServiceAccount({ namespace, body: { metadata } });
  const rbac = plane.api(RbacAuthorizationV1Api);
  await rbac.createNamespacedRole({ namespace, body: { metadata, rules } });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: SCALER_ACCOUNT };
  const subjects = [{ kind: 'ServiceAccount', name: SCALER_ACCOUNT, namespace }];
  await rbac.createNamespacedRoleBinding({ namespace, body: { metadata, roleRef, subjects } });
}

function settingsOf(pools: Arrangement['pools']): Record<string, PoolSettings> {
  return Object.fromEntries(
    Object.entries(pools).map(([pool, settings]) => [
      pool,
      {
        ...{ deployment: pool, min: 0, max: 8, slotsPerWorker: 1 },
        ...{ cooldownSeconds: 2, startSeconds: 60 },
        ...settings,
      },
    ]),
  );
}

/** @param more - further labels of its pods */
export function deploymentOf(
  name: string,
  replicas: number,
  more: Readonly<Record<string, string>> = {},
): V1Deployment {
  const matchLabels = { pool: name };
  const labels = { ...matchLabels, ...more };
  const spec = gpuPod(name, 1).spec!;
  return {
    metadata: { name },
    spec: { replicas, selector: { matchLabels }, template: { metadata: { labels }, spec } },
  };
}

/** A job of so many frames that comes now: in seconds as if a unit took 0.1 s, for nothing was measured. */
export function jobOf(frames: number): JobAhead {
  const job = simulatedJob({ frames, window: 16, frameBatch: 8 }, frames);
  return {
    ...{ jobId: digestText(`job ${frames}`) as string as JobId, priority: 0 },
    ...{ submittedAtMs: Date.now(), pixels: job.width * job.height },
    numericsKey: numericsKeyOf(ACTED_NUMERICS),
    ...{ left: workOfPlan(createPlan(job)), measured: new Map() },
  };
}

export async function replicasOf(
  plane: ControlPlane,
  namespace: string,
  name: string,
): Promise<number> {
  const { spec } = await plane.api(AppsV1Api).readNamespacedDeployment({ namespace, name });
  return spec?.replicas ?? 0;
}
