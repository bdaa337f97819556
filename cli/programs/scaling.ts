// The scaler of a coordinator that leads on Kubernetes: runs beside it, from what it knows.

import type { CoordinatorTalk } from '../../common/bus/nats/index.ts';
import type { Coordinator } from '../../coordinator/coordinator.ts';
import { jobsAhead } from '../../coordinator/dispatch/jobs-ahead.ts';
import type { WorkerRegistry } from '../../coordinator/dispatch/worker-registry.ts';
import { openKubeApi } from '../../coordinator/kubernetes/api/kube-api.ts';
import { runScaler } from '../../coordinator/kubernetes/scaler/run-scaler.ts';
import { systemClock } from '../../coordinator/ports.ts';
import type { ScalerSettings } from '../../coordinator/scaling/settings.ts';
import type { ClusterPlace } from '../flags/cluster-place.ts';
import type { Log } from './log.ts';

export interface ScalingOptions {
  readonly place: ClusterPlace | undefined;
  readonly coordinator: Coordinator;
  readonly workers: WorkerRegistry;
  readonly talk: CoordinatorTalk;
  readonly log: Log;
}

/** A scaler that runs. */
export interface Scaling {
  /** What it does with each pool and why, a line each; empty where none was asked for. */
  readonly says: readonly string[];
  /** Resolves when it does nothing more. */
  end(): Promise<void>;
}

/** Scales until it is ended; nothing where no scaler was asked for. @throws as `openKubeApi` */
export async function startScaling(options: ScalingOptions): Promise<Scaling> {
  const { place, coordinator, workers, talk, log } = options;
  // A pool that is left out is no key of it.
  const settings = place?.settings.scaler as ScalerSettings | undefined;
  const ending = new AbortController();
  let says: readonly string[] = settings === undefined ? [] : ['the scaler has not looked yet'];
  const running = settings === undefined ? undefined : scale(await openKubeApi());
  return {
    get says() {
      return says;
    },
    end: async () => {
      ending.abort();
      await running;
    },
  };

  async function scale(api: Awaited<ReturnType<typeof openKubeApi>>): Promise<void> {
    const { signal } = ending;
    const ended = new Promise((resolve) => {
      signal.addEventListener('abort', resolve, { once: true });
    });
    const listeningSinceMs = systemClock.nowMs();
    // Before it has read which jobs there are, there would seem to be nothing to do.
    await Promise.race([coordinator.known, ended]);
    await runScaler(
      {
        ...{ api, namespace: place!.namespace, settings: settings!, listeningSinceMs },
        clock: systemClock,
        wallMs: Date.now,
        heardWorkers: () => workers.heard,
        jobs: () => jobsAhead(coordinator.queued),
        rest: (worker) => {
          talk.rest(worker);
        },
        onLook: (reasons, troubles) => {
          const ofPools = Object.entries(reasons).map(([pool, reason]) => `${pool}: ${reason}`);
          says = [...ofPools, ...troubles];
        },
        onChange: (change) => {
          log.info({ ...change }, 'replicas set');
        },
        onTrouble: (error) => {
          log.warn({ failure: error.toJSON() }, 'the scaler: trouble, trying again');
        },
      },
      signal,
    );
  }
}
