// The label by which a Service finds the pod that leads.

import { BivdiffError } from '../../../common/errors.ts';
import { isNotFound } from '../api/api-failure.ts';
import type { KubeApi } from '../api/kube-api.ts';

const CALL_MS = 5_000;

export interface LabelPlace {
  readonly namespace: string;
  /** Key of the label. */
  readonly label: string;
}

/** Says that this pod leads. @throws as `KubeApi.ask` */
export async function addLeaderLabel(api: KubeApi, place: LabelPlace, pod: string): Promise<void> {
  await setLabel(api, place, { pod, value: 'true' });
}

/** Says that this pod does not lead; nothing if it is gone, or never said so. @throws as `KubeApi.ask` */
export async function removeLeaderLabel(
  api: KubeApi,
  place: LabelPlace,
  pod: string,
): Promise<void> {
  await setLabel(api, place, { pod, value: null }).catch((reason: unknown) => {
    if (!(reason instanceof BivdiffError) || !isNotFound(reason)) throw reason;
  });
}

async function setLabel(
  api: KubeApi,
  { namespace, label }: LabelPlace,
  { pod, value }: { readonly pod: string; readonly value: string | null },
): Promise<void> {
  const body = { metadata: { labels: { [label]: value } } };
  const call = { verb: 'patch', resource: 'pods', group: '', namespace, name: pod } as const;
  await api.ask({ ...call, grantedBy: 'rbac.create' }, CALL_MS, (options) =>
    api.core.patchNamespacedPod({ name: pod, namespace, body }, options),
  );
}
