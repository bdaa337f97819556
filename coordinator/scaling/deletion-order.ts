// Which pods a ReplicaSet ends first when its replicas are lowered: Kubernetes' own order (pkg/controller, ActivePodsWithRanks, 1.37), as
// far as it is certain. What decides there between pods that are equal here (neighbours on the node, age) is left out: any of them may be it.

import type { PodFacts } from './farm-view.ts';

type Standing = Pick<PodFacts, 'node' | 'phase' | 'isReady' | 'deletionCost'>;

const PHASES: readonly PodFacts['phase'][] = ['Pending', 'Unknown', 'Running'];

/** Below 0: `a` goes before `b`; 0: nobody can say. */
export function compareForDeletion(a: Standing, b: Standing): number {
  return (
    Number(a.node !== undefined) - Number(b.node !== undefined) ||
    PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase) ||
    Number(a.isReady) - Number(b.isReady) ||
    a.deletionCost - b.deletionCost
  );
}

/** All pods that might be among the first `count` to go. */
export function firstToGo<P extends Standing>(pods: readonly P[], count: number): readonly P[] {
  if (count <= 0) return [];
  const ordered = pods.toSorted(compareForDeletion);
  const last = ordered[Math.min(count, ordered.length) - 1];
  if (last === undefined) return [];
  return ordered.filter((pod) => compareForDeletion(pod, last) <= 0);
}
