// Carries out what the scaler has decided. Each change is refused by the server if what it was decided from has changed.

import type { V1Scale } from '@kubernetes/client-node';

import { BivdiffError } from '../../../common/errors.ts';
import { isConflict, isNotFound } from '../api/api-failure.ts';
import type { ApiCall } from '../api/api-failure.ts';
import type { Decision, PodMarks, ReplicasChange } from '../../scaling/decision.ts';
import { DELETION_COST, HOLDS } from './object-facts.ts';
import type { ScalerApi } from './scaler-api.ts';

/** Who has changed a field, as the server notes it. */
export const FIELD_MANAGER = 'bivdiff-scaler';

export interface ApplyOptions {
  readonly api: ScalerApi;
  readonly namespace: string;
  readonly timeoutMs: number;
  /** Has a worker rest. */
  readonly rest: (worker: string) => void;
}

export interface Applied {
  /** Replicas that were set, as the server has said. */
  readonly replicas: readonly ReplicasChange[];
  /** What could not be done; a change that came too late is left out: it is decided anew. */
  readonly failures: readonly BivdiffError[];
}

/** Does all that can be done. */
export async function applyDecision(decision: Decision, options: ApplyOptions): Promise<Applied> {
  const failures: BivdiffError[] = [];
  const replicas: ReplicasChange[] = [];
  const endure = async (work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (reason) {
      const error = BivdiffError.from(reason);
      if (!isConflict(error) && !isNotFound(error)) failures.push(error);
      return false;
    }
  };
  // What helps first: more workers.
  for (const change of decision.replicas) {
    if (await endure(() => setReplicas(change, options))) replicas.push(change);
  }
  for (const marks of decision.marks) await endure(() => markPod(marks, options));
  for (const worker of decision.rest) options.rest(worker);
  return { replicas, failures };
}

/** Only from the number that was seen. @throws aborted — it is another now */
async function setReplicas(change: ReplicasChange, options: ApplyOptions): Promise<void> {
  const { deployment, to } = change;
  const { api, namespace, timeoutMs } = options;
  const { name } = deployment;
  const at = { name, namespace };
  const call = (verb: ApiCall['verb']): ApiCall => ({
    ...{ verb, resource: 'deployments/scale', group: 'apps', ...at },
    grantedBy: 'rbac.create and autoscaling.by: scaler',
  });
  const scale = await api.ask(call('get'), timeoutMs, (asked) =>
    api.apps.readNamespacedDeploymentScale(at, asked),
  );
  // A server that leaves out a number means 0.
  if (
    (scale.spec?.replicas ?? 0) !== deployment.replicas ||
    scale.metadata?.uid !== deployment.uid
  ) {
    throw new BivdiffError('aborted', `replicas of ${name} are others by now`, {
      details: { status: 409 },
    });
  }
  // With the version that was read: the server refuses it if somebody else was faster.
  const { apiVersion, kind, metadata } = scale;
  const body = { apiVersion, kind, metadata, spec: { replicas: to } } as V1Scale;
  await api.ask(call('update'), timeoutMs, (asked) =>
    api.apps.replaceNamespacedDeploymentScale({ ...at, body, fieldManager: FIELD_MANAGER }, asked),
  );
}

/** Of this pod, not of one that has got its name. @throws aborted, not-found — it is gone */
async function markPod(marks: PodMarks, options: ApplyOptions): Promise<void> {
  const { pod, deletionCost, isHeld } = marks;
  const { api, namespace, timeoutMs } = options;
  const at = { name: pod.name, namespace };
  const annotations: Record<string, string | null> = {};
  if (deletionCost !== undefined) {
    annotations[DELETION_COST] = deletionCost === 0 ? null : String(deletionCost);
  }
  if (isHeld !== undefined) {
    for (const [key, value] of Object.entries(HOLDS)) annotations[key] = isHeld ? value : null;
  }
  const body = { metadata: { uid: pod.uid, annotations } };
  const call: ApiCall = {
    ...{ verb: 'patch', resource: 'pods', group: '', ...at },
    grantedBy: 'rbac.create and autoscaling.by: scaler',
  };
  await api.ask(call, timeoutMs, (asked) =>
    api.core.patchNamespacedPod({ ...at, body, fieldManager: FIELD_MANAGER }, asked),
  );
}
