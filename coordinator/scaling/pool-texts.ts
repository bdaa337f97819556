// What the scaler says of a pool, in words.

import type { DeploymentFacts, PodFacts } from './farm-view.ts';
import type { PoolPlan } from './plan-workers.ts';
import type { PoolSettings } from './settings.ts';
import type { StartTimes } from './start-times.ts';
import type { PodRole } from './worker-pods.ts';

/** `said`: the number of replicas that the scaler had said last. */
export function ownerText(
  { name, replicas, replicasSetBy }: DeploymentFacts,
  said: number,
): string {
  const who = replicasSetBy === undefined ? 'somebody else' : `"${replicasSetBy}"`;
  return `${who} has set replicas of Deployment ${name} from ${said} to ${replicas}: the scaler is to be their one owner; remove the other (an HPA, KEDA, a chart that sets replicas)`;
}

export function silentText({ name }: PodFacts, seconds: number): string {
  return `worker ${name} has not been heard of for ${Math.round(seconds)} s, and its pod runs: it is left alone and not counted on (kubectl logs ${name})`;
}

/** `since`: seconds since it was made. */
export function stuckText({ name, trouble }: PodFacts, since: number, starts: StartTimes): string {
  const { count, patienceSeconds } = starts;
  const seen = count === 0 ? 'is expected to take' : `of ${count} starts took`;
  const why = trouble === undefined ? '' : `: ${trouble}`;
  return `pod ${name} has been starting for ${Math.round(since)} s; none ${seen} more than ${Math.round(patienceSeconds)} s, so it is not counted on${why}`;
}

/** Why nothing changes. */
export function stayText(replicas: number, plan: PoolPlan, settings: PoolSettings): string {
  const { min, cooldownSeconds } = settings;
  const now = `${replicas} workers stay`;
  if (plan.later > 0)
    return `${now}: ${plan.later} more will be needed, and would have nothing to do yet`;
  if (plan.surplus === 0 || replicas <= min) return now;
  return `${now}: ${plan.surplus} could go once idle for ${cooldownSeconds} s`;
}

export function countsText(roles: readonly PodRole[]): string {
  const counts = new Map<PodRole, number>();
  for (const role of roles) counts.set(role, (counts.get(role) ?? 0) + 1);
  if (counts.size === 0) return 'no pod';
  return [...counts].map(([role, count]) => `${count} ${role}`).join(', ');
}
