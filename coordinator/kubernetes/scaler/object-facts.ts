// Objects of Kubernetes as the scaler sees them. Pure. What an object lacks is taken for what does least harm.

import type { V1Deployment, V1Pod } from '@kubernetes/client-node';

import { BivdiffError } from '../../../common/errors.ts';
import type { DeploymentFacts, PodFacts } from '../../scaling/farm-view.ts';

export const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
/** Of the cluster autoscaler, and of Karpenter: a pod that has these is not moved. */
export const HOLDS = {
  'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
  'karpenter.sh/do-not-disrupt': 'true',
} as const;

const PHASES: readonly string[] = ['Pending', 'Running', 'Succeeded', 'Failed'];

/** @throws data-loss — it has no name, uid or time */
export function podFacts(pod: V1Pod, deployment: string): PodFacts {
  const { metadata, spec, status } = pod;
  const { name, uid, creationTimestamp } = metadata ?? {};
  if (name === undefined || uid === undefined || creationTimestamp === undefined) {
    throw new BivdiffError('data-loss', 'a listed pod has no name, uid or time of creation');
  }
  const annotations = metadata?.annotations ?? {};
  const conditions = status?.conditions ?? [];
  const containers = status?.containerStatuses ?? [];
  const phase = status?.phase ?? 'Unknown';
  return {
    ...{ name, uid, deployment },
    createdAtMs: new Date(creationTimestamp).getTime(),
    node: spec?.nodeName,
    phase: PHASES.includes(phase) ? (phase as PodFacts['phase']) : 'Unknown',
    isReady: conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    hasStarted:
      phase !== 'Pending' ||
      containers.some(
        ({ state, started, restartCount }) =>
          started === true || restartCount > 0 || state?.running !== undefined,
      ),
    isLeaving: metadata?.deletionTimestamp !== undefined,
    deletionCost: Number.parseInt(annotations[DELETION_COST] ?? '0', 10) || 0,
    isHeld: Object.entries(HOLDS).every(([key, value]) => annotations[key] === value),
    trouble: troubleOf(pod),
  };
}

function troubleOf({ status }: V1Pod): string | undefined {
  const unscheduled = status?.conditions?.find(
    ({ type, status: is }) => type === 'PodScheduled' && is === 'False',
  );
  if (unscheduled !== undefined) return unscheduled.message ?? unscheduled.reason;
  const waiting = status?.containerStatuses?.find(({ state }) => state?.waiting !== undefined);
  const { reason, message } = waiting?.state?.waiting ?? {};
  return message ?? reason;
}

/** @throws data-loss — it has no name, uid or number of replicas */
export function deploymentFacts(deployment: V1Deployment, namespace: string): DeploymentFacts {
  const { metadata, spec, status } = deployment;
  const { name, uid } = metadata ?? {};
  if (name === undefined || uid === undefined || spec?.replicas === undefined) {
    throw new BivdiffError(
      'data-loss',
      `a listed Deployment of namespace ${namespace} has no name, uid or replicas`,
    );
  }
  const counted = status?.replicas ?? 0;
  return {
    ...{ name, uid, replicas: spec.replicas, podsCounted: counted },
    // A change of replicas alone is observed too; until then nothing is lowered.
    isRollingOut:
      (status?.observedGeneration ?? 0) < (metadata?.generation ?? 0) ||
      (status?.updatedReplicas ?? 0) < counted,
    generation: metadata?.generation,
    replicasSetBy: replicasSetBy(deployment),
  };
}

/** The field manager of `spec.replicas`. */
function replicasSetBy({ metadata }: V1Deployment): string | undefined {
  const setters = (metadata?.managedFields ?? []).filter(({ fieldsV1 }) => {
    const fields = fieldsV1 as
      { readonly 'f:spec'?: { readonly 'f:replicas'?: unknown } } | undefined;
    return fields?.['f:spec']?.['f:replicas'] !== undefined;
  });
  const newest = setters.toSorted((a, b) => timeOf(a.time) - timeOf(b.time)).at(-1);
  return newest?.manager;
}

function timeOf(time: Date | string | undefined): number {
  return time === undefined ? 0 : new Date(time).getTime();
}
