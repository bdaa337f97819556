// GPUs as Dynamic Resource Allocation knows them: a slice for each node, as NVIDIA's driver would publish it, and claims that want memory. No
// driver is there, and none is needed: the scheduler allocates, and KWOK prepares nothing.

import { ResourceV1Api } from '@kubernetes/client-node';
import type { V1Device, V1Pod } from '@kubernetes/client-node';

import type { ControlPlane } from './control-plane.ts';

export const DRIVER = 'gpu.nvidia.com';
/** The class that NVIDIA's chart makes. */
export const DEVICE_CLASS = 'gpu.nvidia.com';

export interface DevicePlan {
  readonly node: string;
  readonly count: number;
  /** A quantity: `80Gi`. */
  readonly memory: string;
}

/** Publishes GPUs of nodes that are there. */
export async function addDevices(plane: ControlPlane, plans: readonly DevicePlan[]): Promise<void> {
  const resources = plane.api(ResourceV1Api);
  for (const { node, count, memory } of plans) {
    const devices = Array.from({ length: count }, (_, i) => deviceOf(i, memory));
    await resources.createResourceSlice({
      body: {
        metadata: { name: `${node}-gpus` },
        spec: {
          ...{ driver: DRIVER, nodeName: node, devices },
          pool: { name: node, generation: 1, resourceSliceCount: 1 },
        },
      },
    });
  }
}

/** @param extendedResourceName - what pods may ask for instead of a claim. @default none */
export async function addDeviceClass(
  plane: ControlPlane,
  extendedResourceName?: string,
): Promise<void> {
  const expression = `device.driver == '${DRIVER}' && device.attributes['${DRIVER}'].type == 'gpu'`;
  await plane.api(ResourceV1Api).createDeviceClass({
    body: {
      metadata: { name: DEVICE_CLASS },
      spec: {
        selectors: [{ cel: { expression } }],
        ...(extendedResourceName !== undefined && { extendedResourceName }),
      },
    },
  });
}

/** A template of claims for one GPU with at least so much memory. */
export async function addClaimTemplate(
  plane: ControlPlane,
  namespace: string,
  { name, memory }: { readonly name: string; readonly memory: string },
): Promise<void> {
  const has = `device.capacity['${DRIVER}'].memory`;
  const expression = `${has}.compareTo(quantity('${memory}')) >= 0`;
  await plane.api(ResourceV1Api).createNamespacedResourceClaimTemplate({
    namespace,
    body: {
      metadata: { name },
      spec: {
        spec: {
          devices: {
            requests: [
              {
                name: 'gpu',
                exactly: { deviceClassName: DEVICE_CLASS, selectors: [{ cel: { expression } }] },
              },
            ],
          },
        },
      },
    },
  });
}

/** A pod with one container, and a claim of its own from the template. */
export function claimingPod(name: string, template: string): V1Pod {
  return {
    metadata: { name },
    spec: {
      resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: template }],
      containers: [
        {
          ...{ name: 'main', image: 'example.invalid/none' },
          resources: { requests: { cpu: '100m' }, claims: [{ name: 'gpu' }] },
        },
      ],
    },
  };
}

function deviceOf(index: number, memory: string): V1Device {
  return {
    name: `gpu-${index}`,
    attributes: { type: { string: 'gpu' }, index: { _int: index } },
    capacity: { memory: { value: memory } },
  };
}
