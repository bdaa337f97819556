// GPUs as Dynamic Resource Allocation knows them: a slice for each node, as NVIDIA's driver would publish it, and claims that want memory. No
// driver is there, and none is needed: the scheduler allocates, and KWOK prepares nothing.

import { ResourceV1Api } from '@kubernetes/client-node';
import type { V1Device, V1ExactDeviceRequest, V1Pod } from '@kubernetes/client-node';

import type { ControlPlane } from './plane/control-plane.ts';

export const DRIVER = 'gpu.nvidia.com';
/** The class that NVIDIA's chart makes. */
export const DEVICE_CLASS = 'gpu.nvidia.com';

export interface DevicePlan {
  readonly node: string;
  readonly count: number;
  /** A quantity: `80Gi`. */
  readonly memory: string;
  /** Several claims may have parts of one device's memory. @default false */
  readonly isShared?: boolean;
}

/** Publishes GPUs of nodes that are there. */
export async function addDevices(plane: ControlPlane, plans: readonly DevicePlan[]): Promise<void> {
  const resources = plane.api(ResourceV1Api);
  for (const plan of plans) {
    const { node, count } = plan;
    const devices = Array.from({ length: count }, (_, i) => deviceOf(i, plan));
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

export interface ClaimPlan {
  readonly name: string;
  /** A quantity: `40Gi`. */
  readonly memory: string;
}

/** A template of claims for one GPU with at least so much memory. */
export async function addClaimTemplate(
  plane: ControlPlane,
  namespace: string,
  { name, memory }: ClaimPlan,
): Promise<void> {
  const has = `device.capacity['${DRIVER}'].memory`;
  const expression = `${has}.compareTo(quantity('${memory}')) >= 0`;
  await addTemplate(plane, namespace, name, { selectors: [{ cel: { expression } }] });
}

/** A template of claims for so much memory of a shared GPU. */
export async function addShareTemplate(
  plane: ControlPlane,
  namespace: string,
  { name, memory }: ClaimPlan,
): Promise<void> {
  await addTemplate(plane, namespace, name, { capacity: { requests: { memory } } });
}

async function addTemplate(
  plane: ControlPlane,
  namespace: string,
  name: string,
  wanted: Omit<V1ExactDeviceRequest, 'deviceClassName'>,
): Promise<void> {
  const exactly = { deviceClassName: DEVICE_CLASS, ...wanted };
  await plane.api(ResourceV1Api).createNamespacedResourceClaimTemplate({
    namespace,
    body: {
      metadata: { name },
      spec: { spec: { devices: { requests: [{ name: 'gpu', exactly }] } } },
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

function deviceOf(index: number, { memory, isShared = false }: DevicePlan): V1Device {
  const least = '1Gi';
  const requestPolicy = { _default: least, validRange: { min: least, step: least } };
  return {
    name: `gpu-${index}`,
    attributes: { type: { string: 'gpu' }, index: { _int: index } },
    capacity: { memory: { value: memory, ...(isShared && { requestPolicy }) } },
    ...(isShared && { allowMultipleAllocations: true }),
  };
}
