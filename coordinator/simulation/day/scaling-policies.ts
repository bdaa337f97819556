// Who sets replicas in a simulated day: the scaler as it is, and what else is in use, as their makers describe it.

import { REST_SECONDS } from '../../../common/worker-status.ts';
import { CompleteList } from '../../scaling/complete-list.ts';
import { FarmView } from '../../scaling/farm-view.ts';
import { SCALED_POOLS } from '../../scaling/predicted-work.ts';
import type { JobAhead, ScaledPool } from '../../scaling/predicted-work.ts';
import { Scaler } from '../../scaling/scaler.ts';
import type { ScalerSettings } from '../../scaling/settings.ts';
import type { HeardWorker } from '../../scaling/worker-pods.ts';
import { simulatedNumerics } from '../tenancy.ts';
import type { VirtualCluster } from './virtual-cluster.ts';

/** What a policy may know. */
export interface DayScene {
  readonly cluster: VirtualCluster;
  readonly jobs: () => readonly JobAhead[];
  /** Tasks of a pool that could run or do. */
  readonly queueOf: (pool: ScaledPool) => number;
  readonly max: Readonly<Record<ScaledPool, number>>;
  readonly nowMs: () => number;
  /** Milliseconds since 1970 at 0 of `nowMs`. */
  readonly epochMs: number;
}

export interface ScalingPolicy {
  readonly name: string;
  readonly everySeconds: number;
  look(scene: DayScene): Promise<void> | void;
}

/** Since always: nobody has to be waited for. */
const LISTENING_SINCE_MS = -1e9;

export function ownScaler(settings: ScalerSettings): ScalingPolicy {
  const scaler = new Scaler(settings);
  return {
    name: 'bivdiff',
    everySeconds: 3,
    look: async ({ cluster, jobs, nowMs, epochMs }) => {
      const page = <T>(items: readonly T[]) =>
        CompleteList.collect('simulated', nowMs, () =>
          Promise.resolve({ resourceVersion: '1', items }),
        );
      const view = new FarmView({
        pods: await page(
          SCALED_POOLS.flatMap((pool) => cluster.factsOfPods(pool)).map((pod) => ({
            ...pod,
            createdAtMs: epochMs + pod.createdAtMs,
          })),
        ),
        deployments: await page(SCALED_POOLS.map((pool) => cluster.factsOf(pool))),
      });
      const byName = new Map<string, HeardWorker>();
      for (const pod of SCALED_POOLS.flatMap((pool) => cluster.podsOf(pool))) {
        if (pod.state === 'starting') continue;
        const status = {
          name: pod.name,
          running: cluster.isBusy(pod) ? ['' as never] : [],
          draining: pod.isResting,
          numerics: simulatedNumerics('simulated'),
        };
        byName.set(pod.name, { status, heardMs: nowMs() });
      }
      const decision = scaler.look({
        view,
        workers: { byName, listeningSinceMs: LISTENING_SINCE_MS },
        jobs: jobs(),
        nowMs: nowMs(),
        wallMs: epochMs + nowMs(),
      });
      for (const { pod, deletionCost, isHeld } of decision.marks) {
        const virtual = cluster.podNamed(pod.name)!;
        if (deletionCost !== undefined) virtual.deletionCost = deletionCost;
        if (isHeld !== undefined) virtual.isHeld = isHeld;
      }
      for (const name of decision.rest) cluster.askToRest(name, REST_SECONDS);
      for (const { deployment, to } of decision.replicas) {
        cluster.scale(deployment.name as ScaledPool, to);
      }
    },
  };
}

/**
 * KEDA: looks every 30 s, wants a worker for so many tasks that are there (`ceil(queue / target)`), to zero once it was empty for 300 s;
 * above one its HPA wants the same, and gives back none before the highest of the last 300 s is over.
 */
export function queueLength(target: number): ScalingPolicy {
  return queueScaler({
    name: `KEDA, ${target} tasks a worker`,
    target,
    everySeconds: 30,
    cooldownSeconds: 300,
  });
}

/** A HorizontalPodAutoscaler on the same number as an external metric (average value), from and to zero: every 15 s, 300 s to settle. */
export function plainHpa(target: number): ScalingPolicy {
  return queueScaler({
    name: `HPA, ${target} tasks a worker`,
    ...{ target, everySeconds: 15, cooldownSeconds: 300, growth: true },
  });
}

interface QueueScaler {
  readonly name: string;
  readonly target: number;
  readonly everySeconds: number;
  readonly cooldownSeconds: number;
  /** Grows in 15 s by no more than as much again, or 4, whichever is more: an HPA's default. */
  readonly growth?: boolean;
}

function queueScaler(options: QueueScaler): ScalingPolicy {
  const wanted = new Map<ScaledPool, { readonly atMs: number; readonly count: number }[]>();
  return {
    name: options.name,
    everySeconds: options.everySeconds,
    look: ({ cluster, queueOf, max, nowMs }) => {
      for (const pool of SCALED_POOLS) {
        const count = Math.min(max[pool], Math.ceil(queueOf(pool) / options.target));
        const since = nowMs() - options.cooldownSeconds * 1000;
        const recent = (wanted.get(pool) ?? []).filter(({ atMs }) => atMs >= since);
        recent.push({ atMs: nowMs(), count });
        wanted.set(pool, recent);
        const now = cluster.replicasOf(pool);
        const grown = options.growth === true ? now + Math.max(4, now) : Infinity;
        const settled = Math.max(...recent.map((one) => one.count));
        cluster.scale(pool, Math.min(grown, count > now ? count : Math.min(now, settled)));
      }
    },
  };
}
