// What a pod's status says.

import type { V1Pod } from '@kubernetes/client-node';

export function isRunning({ status }: V1Pod): boolean {
  return status?.phase === 'Running';
}

/** What the scheduler says of a pod that it has no place for; empty for another. */
export function waitsWhy({ status }: V1Pod): string {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  return scheduled?.status === 'False' ? (scheduled.message ?? '') : '';
}
