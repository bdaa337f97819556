// Workers of acted pods: one for each pod that runs, for as long as it does. What they run a test says; they rest as real ones do when they are
// asked to. Keeps what was lost: tasks of pods that were ended while they ran.

import { setTimeout as delay } from 'node:timers/promises';

import { CoreV1Api } from '@kubernetes/client-node';

import { REST_SECONDS } from '../../../common/worker-status.ts';
import type { TaskId } from '../../../common/task.ts';
import type { HeardWorker } from '../../../coordinator/scaling/worker-pods.ts';
import { simulatedNumerics } from '../../../coordinator/simulation/tenancy.ts';
import type { ControlPlane } from './plane/control-plane.ts';
import { isRunning } from './pods.ts';

const LOOK_MS = 100;
/** Of the workers' class. */
export const ACTED_NUMERICS = simulatedNumerics('acted');

interface Acted {
  running: readonly TaskId[];
  restsUntilMs: number;
}

export class ActedWorkers {
  /** Pods that were ended while their workers ran something. */
  readonly lost: string[] = [];
  readonly #plane: ControlPlane;
  readonly #namespace: string;
  readonly #workers = new Map<string, Acted>();

  constructor(plane: ControlPlane, namespace: string) {
    this.#plane = plane;
    this.#namespace = namespace;
  }

  get names(): readonly string[] {
    return [...this.#workers.keys()];
  }

  /** Whether each runs something. */
  get running(): ReadonlyMap<string, boolean> {
    return new Map([...this.#workers].map(([name, { running }]) => [name, running.length > 0]));
  }

  /** As `WorkerRegistry.heard`: they have all beaten just now. */
  get heard(): ReadonlyMap<string, HeardWorker> {
    const nowMs = performance.now();
    return new Map(
      [...this.#workers].map(([name, { running, restsUntilMs }]) => {
        const draining = restsUntilMs > nowMs;
        const status = { name, running, draining, numerics: ACTED_NUMERICS };
        return [name, { status, heardMs: nowMs }];
      }),
    );
  }

  /** It runs something from now on, unless it rests; or nothing more. Whether it does. */
  run(name: string, isRunning: boolean): boolean {
    const worker = this.#workers.get(name);
    if (worker === undefined || (isRunning && worker.restsUntilMs > performance.now()))
      return false;
    worker.running = isRunning ? [`task of ${name}` as TaskId] : [];
    return true;
  }

  rest(name: string): void {
    const worker = this.#workers.get(name);
    if (worker === undefined || worker.running.length > 0) return;
    worker.restsUntilMs = Math.max(worker.restsUntilMs, performance.now() + REST_SECONDS * 1000);
  }

  /** Follows the pods until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const core = this.#plane.api(CoreV1Api);
    while (!signal.aborted) {
      const { items } = await core.listNamespacedPod({ namespace: this.#namespace });
      const there = new Set<string>();
      for (const pod of items) {
        if (!isRunning(pod) || pod.metadata?.deletionTimestamp !== undefined) continue;
        there.add(pod.metadata!.name!);
      }
      for (const [name, { running }] of this.#workers) {
        if (there.has(name)) continue;
        if (running.length > 0) this.lost.push(name);
        this.#workers.delete(name);
      }
      for (const name of there) {
        if (!this.#workers.has(name)) this.#workers.set(name, { running: [], restsUntilMs: 0 });
      }
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
