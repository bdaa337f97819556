// What each pod of a pool is to the scaler: its pod as Kubernetes lists it and its worker as it was heard of, put together by name. Pure.

import { WORKER_BEAT_MS } from '../../common/worker-status.ts';
import type { WorkerStatus } from '../../common/worker-status.ts';
import type { PodFacts } from './farm-view.ts';

/** What a worker said last, and when, by the clock of whoever asks. */
export interface HeardWorker {
  readonly status: Pick<WorkerStatus, 'name' | 'running' | 'draining' | 'numerics'>;
  readonly heardMs: number;
}

/** Who was heard of lately, by name. */
export interface HeardWorkers {
  readonly byName: ReadonlyMap<string, HeardWorker>;
  /** Since when it is listened to them. */
  readonly listeningSinceMs: number;
}

/**
 * - `starting`: no worker of it was ever heard of
 * - `busy`: its worker runs something, or is ending
 * - `idle`: its worker runs nothing, and would take a task
 * - `resting`: its worker runs nothing and takes nothing: it was asked to, so that it can be removed
 * - `silent`: its worker was heard of once, but not now: nobody can say whether it runs something
 */
export type PodRole = 'starting' | 'busy' | 'idle' | 'resting' | 'silent';

/** What a worker said before this is not what it does now. */
const HEARD_MS_MAX = 2.5 * WORKER_BEAT_MS;

export interface RoleQuestion {
  readonly pod: PodFacts;
  readonly heard: HeardWorker | undefined;
  /** Some worker of this pod was heard of before. */
  readonly wasHeard: boolean;
  readonly nowMs: number;
}

export function roleOf({ heard, wasHeard, nowMs }: RoleQuestion): PodRole {
  if (heard === undefined) return wasHeard ? 'silent' : 'starting';
  const { running, draining } = heard.status;
  if (running.length > 0) return 'busy';
  if (nowMs - heard.heardMs > HEARD_MS_MAX) return 'silent';
  return draining ? 'resting' : 'idle';
}

/** Whether nothing can be running in it: no container was started, or its worker has said that it takes nothing more and runs nothing. */
export function isSafeToGo(pod: PodFacts, role: PodRole): boolean {
  return role === 'resting' || (role === 'starting' && !pod.hasStarted);
}
