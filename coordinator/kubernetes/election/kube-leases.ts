// The record of an election as a Lease of coordination.k8s.io.

import type { V1Lease, V1LeaseSpec } from '@kubernetes/client-node';

import { BivdiffError } from '../../../common/errors.ts';
import { isConflict, isNotFound } from '../api/api-failure.ts';
import type { ApiCall } from '../api/api-failure.ts';
import type { KubeApi } from '../api/kube-api.ts';
import type { LeaseRecord } from './election.ts';
import type { Leases, SeenLease } from './elector.ts';

export interface LeasePlace {
  readonly namespace: string;
  readonly name: string;
}

/** Labels and annotations that others have given it stay. */
export function kubeLeases(api: KubeApi, { namespace, name }: LeasePlace): Leases {
  const call = (verb: ApiCall['verb']): ApiCall => ({
    ...{ verb, resource: 'leases', group: 'coordination.k8s.io', namespace, name },
    grantedBy: 'rbac.create',
  });
  /** As it was read last: what is written over it keeps the rest of it. */
  let lease: V1Lease | undefined;
  return {
    read: async (timeoutMs) => {
      try {
        lease = await api.ask(call('get'), timeoutMs, (options) =>
          api.coordination.readNamespacedLease({ name, namespace }, options),
        );
      } catch (reason) {
        if (!(reason instanceof BivdiffError) || !isNotFound(reason)) throw reason;
        lease = undefined;
        return undefined;
      }
      const version = lease.metadata?.resourceVersion ?? '';
      return { record: recordOf(lease.spec), version };
    },
    write: async (record, seen, timeoutMs) => {
      try {
        await (seen === undefined ? create(record, timeoutMs) : replace(record, seen, timeoutMs));
        return 'written';
      } catch (reason) {
        if (reason instanceof BivdiffError && isConflict(reason)) return 'conflict';
        throw reason;
      }
    },
  };

  async function create(record: LeaseRecord, timeoutMs: number): Promise<void> {
    const body = { metadata: { name, namespace }, spec: specOf(record) };
    await api.ask(call('create'), timeoutMs, (options) =>
      api.coordination.createNamespacedLease({ namespace, body }, options),
    );
  }

  async function replace(record: LeaseRecord, seen: SeenLease, timeoutMs: number): Promise<void> {
    const { metadata, spec } = lease ?? {};
    const body = {
      metadata: { ...metadata, name, namespace, resourceVersion: seen.version },
      spec: { ...spec, ...specOf(record) },
    };
    await api.ask(call('update'), timeoutMs, (options) =>
      api.coordination.replaceNamespacedLease({ name, namespace, body }, options),
    );
  }
}

function recordOf(spec: V1LeaseSpec | undefined): LeaseRecord {
  return {
    holder: spec?.holderIdentity ?? '',
    leaseSeconds: spec?.leaseDurationSeconds ?? 0,
    acquiredAt: spec?.acquireTime,
    renewedAt: spec?.renewTime,
    transitions: spec?.leaseTransitions ?? 0,
  };
}

function specOf({ holder, leaseSeconds, acquiredAt, renewedAt, transitions }: LeaseRecord) {
  return {
    holderIdentity: holder,
    leaseDurationSeconds: leaseSeconds,
    leaseTransitions: transitions,
    ...(acquiredAt && { acquireTime: acquiredAt }),
    ...(renewedAt && { renewTime: renewedAt }),
  } satisfies Partial<V1LeaseSpec>;
}
