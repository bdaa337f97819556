// Nodes that KWOK plays, with GPUs that a device plugin would have announced, and pods that ask for them.

import { CoreV1Api } from '@kubernetes/client-node';
import type { V1Node, V1Pod, V1Taint } from '@kubernetes/client-node';

import type { ControlPlane } from './plane/control-plane.ts';
import { until } from './until.ts';

/** As NVIDIA's device plugin calls a whole GPU. */
export const GPU = 'nvidia.com/gpu';

export interface NodePlan {
  readonly name: string;
  /** @default 0 */
  readonly gpus?: number;
  /** Of what it has besides: `nvidia.com/mig-3g.40gb`, say. CPU (32), memory (256Gi) and pods (110) may be changed. */
  readonly resources?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly V1Taint[];
}

/** Waits until the scheduler may place pods on them. */
export async function addNodes(plane: ControlPlane, plans: readonly NodePlan[]): Promise<void> {
  const core = plane.api(CoreV1Api);
  for (const plan of plans) await core.createNode({ body: nodeOf(plan) });
  for (const { name } of plans) {
    await until(`node ${name} is ready`, async () => {
      const { spec, status } = await core.readNode({ name });
      const isReady = status?.conditions?.some(
        (one) => one.type === 'Ready' && one.status === 'True',
      );
      const isNew = spec?.taints?.some((taint) => taint.key === 'node.kubernetes.io/not-ready');
      return isReady === true && isNew !== true;
    });
  }
}

/** `count` nodes NAME-1, NAME-2, … that are alike. */
export function alike(count: number, plan: NodePlan): NodePlan[] {
  return Array.from({ length: count }, (_, i) => ({ ...plan, name: `${plan.name}-${i + 1}` }));
}

function nodeOf({ name, gpus = 0, resources = {}, labels = {}, taints = [] }: NodePlan): V1Node {
  const has = {
    ...{ cpu: '32', memory: '256Gi', pods: '110' },
    ...(gpus > 0 && { [GPU]: String(gpus) }),
    ...resources,
  };
  return {
    metadata: {
      name,
      labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', ...labels },
    },
    spec: { taints: [...taints] },
    status: { allocatable: has, capacity: has },
  };
}

/** A pod with one container that asks for so many GPUs, and for little else. */
export function gpuPod(
  name: string,
  gpus: number,
  labels: Readonly<Record<string, string>> = {},
): V1Pod {
  return {
    metadata: { name, labels: { ...labels } },
    spec: {
      containers: [
        {
          ...{ name: 'main', image: 'example.invalid/none' },
          resources: { requests: { cpu: '100m' }, limits: { [GPU]: String(gpus) } },
        },
      ],
    },
  };
}
