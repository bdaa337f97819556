// Runs the scaler on a cluster: looks, decides, acts, again and again. What fails is said once and tried again; nothing is done meanwhile.

import { BivdiffError } from '../../../common/errors.ts';
import type { JobAhead, ScaledPool } from '../../scaling/predicted-work.ts';
import { Scaler } from '../../scaling/scaler.ts';
import type { ScalerSettings } from '../../scaling/settings.ts';
import type { HeardWorker } from '../../scaling/worker-pods.ts';
import type { Clock } from '../../ports.ts';
import type { KubeApi } from '../api/kube-api.ts';
import { pause } from '../../pause.ts';
import { Troubles } from '../api/looking.ts';
import { applyDecision } from './apply-decision.ts';
import { FarmLists } from './farm-lists.ts';
import { scalerApiOf } from './scaler-api.ts';

/** How often it looks: a job's workers are asked for within this and the time of some calls. */
const LOOK_MS = 2_500;
/** After failures it waits longer, up to this. */
const LOOK_MS_MAX = 30_000;
const CALL_MS = 5_000;

export interface ScalerDeps {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly settings: ScalerSettings;
  /** Monotonic; the clock by which workers are heard of. */
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  /** As `WorkerRegistry.heard`. */
  readonly heardWorkers: () => ReadonlyMap<string, HeardWorker>;
  /** By the clock: since when it is listened to workers. */
  readonly listeningSinceMs: number;
  readonly jobs: () => readonly JobAhead[];
  /** As `CoordinatorTalk.rest`. */
  readonly rest: (worker: string) => void;
  /** Told of each look: what was decided for each pool and why; and what keeps it from deciding. */
  readonly onLook?: (reasons: ScalerStatus, troubles: readonly string[]) => void;
  /** Told of each change of replicas that was made. */
  readonly onChange: (change: ReplicasChanged) => void;
  /** Told of what keeps it from deciding, or a person should look at; once while it lasts. */
  readonly onTrouble: (error: BivdiffError) => void;
}

/** In words, by pool. */
export type ScalerStatus = Readonly<Partial<Record<ScaledPool, string>>>;

export interface ReplicasChanged {
  readonly deployment: string;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** Runs until the signal aborts. Never throws for what a cluster does. */
export async function runScaler(deps: ScalerDeps, signal: AbortSignal): Promise<void> {
  const { namespace, settings, clock } = deps;
  const api = await scalerApiOf(deps.api);
  const lists = new FarmLists({
    ...{ api, namespace, timeoutMs: CALL_MS, nowMs: () => clock.nowMs() },
    deployments: Object.values(settings.pools).map(({ deployment }) => deployment),
  });
  const scaler = new Scaler(settings);
  const troubles = new Troubles(deps.onTrouble);
  let failed = 0;
  while (!signal.aborted) {
    const failures: BivdiffError[] = [];
    try {
      const view = await lists.view();
      const decision = scaler.look({
        view,
        workers: { byName: deps.heardWorkers(), listeningSinceMs: deps.listeningSinceMs },
        jobs: deps.jobs(),
        nowMs: clock.nowMs(),
        wallMs: deps.wallMs(),
      });
      deps.onLook?.(decision.reasons, decision.troubles);
      failures.push(
        ...decision.troubles.map((text) => new BivdiffError('failed-precondition', text)),
      );
      const { rest } = deps;
      const applied = await applyDecision(decision, { api, namespace, rest, timeoutMs: CALL_MS });
      failures.push(...applied.failures);
      failed = applied.failures.length === 0 ? 0 : failed + 1;
      for (const { deployment, to } of applied.changed) {
        const [, reason = ''] =
          Object.entries(settings.pools)
            .map(([pool, { deployment: name }]) => [name, decision.reasons[pool as ScaledPool]])
            .find(([name]) => name === deployment.name) ?? [];
        deps.onChange({ deployment: deployment.name, from: deployment.replicas, to, reason });
      }
    } catch (reason) {
      const error = BivdiffError.from(reason, 'the scaler');
      failures.push(error);
      deps.onLook?.({}, [error.message]);
      failed += 1;
    }
    troubles.say(failures);
    await pause(clock, Math.min(LOOK_MS_MAX, LOOK_MS * 2 ** Math.min(failed, 10)), signal);
  }
}
