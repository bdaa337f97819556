// A cluster of simulated pods: Deployments whose replicas somebody sets, pods that take a while to start, a controller that ends pods in
// Kubernetes' order. A pod's worker is one of the simulated farm's. What it costs is counted from the request for a pod to its end.

import { compareForDeletion } from '../../scaling/deletion-order.ts';
import type { DeploymentFacts, PodFacts } from '../../scaling/farm-view.ts';
import { SCALED_POOLS } from '../../scaling/predicted-work.ts';
import type { ScaledPool } from '../../scaling/predicted-work.ts';
import type { Clock } from '../../ports.ts';
import type { VirtualFarm } from '../world/virtual-farm.ts';
import { normalOf, randomOf } from './traffic.ts';

export interface VirtualPod {
  readonly name: string;
  readonly pool: ScaledPool;
  /** Number of its worker on the farm. */
  readonly worker: number;
  readonly createdMs: number;
  state: 'starting' | 'working' | 'ending';
  deletionCost: number;
  isHeld: boolean;
  /** Since when its worker rests, as it was asked to. */
  isResting: boolean;
}

export interface ClusterOptions {
  readonly clock: Clock;
  readonly farm: VirtualFarm;
  /** Most workers of each pool: as the farm is laid out, pool by pool. */
  readonly max: Readonly<Record<ScaledPool, number>>;
  readonly startSeconds: { readonly mean: number; readonly sigma: number };
  /** A worker that is told to end may finish for so long; then it hands back what it runs. */
  readonly drainSeconds: number;
  readonly seed: number;
}

export class VirtualCluster {
  readonly #options: ClusterOptions;
  readonly #pods = new Map<string, VirtualPod>();
  readonly #free = new Map<ScaledPool, number[]>();
  readonly #replicas = new Map<ScaledPool, number>(SCALED_POOLS.map((pool) => [pool, 0]));
  readonly #random: () => number;
  #made = 0;
  #gpuMs = 0;
  #startMs = 0;
  #lost = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#random = randomOf(options.seed);
    let first = 0;
    for (const pool of SCALED_POOLS) {
      const count = options.max[pool];
      // A pod that ends still has its worker.
      this.#free.set(
        pool,
        Array.from({ length: count * 2 }, (_, index) => first + index).reverse(),
      );
      first += count * 2;
    }
  }

  /** GPU-seconds so far, of pods that are there too. */
  get gpuSeconds(): number {
    const nowMs = this.#options.clock.nowMs();
    let ms = this.#gpuMs;
    for (const { createdMs } of this.#pods.values()) ms += nowMs - createdMs;
    return ms / 1000;
  }

  get starts(): number {
    return this.#made;
  }

  /** Of them, while pods started. */
  get startSeconds(): number {
    return this.#startMs / 1000;
  }

  /** Attempts at tasks that ended with their pods. */
  get lost(): number {
    return this.#lost;
  }

  replicasOf(pool: ScaledPool): number {
    return this.#replicas.get(pool)!;
  }

  podsOf(pool: ScaledPool): readonly VirtualPod[] {
    return [...this.#pods.values()].filter((pod) => pod.pool === pool && pod.state !== 'ending');
  }

  podNamed(name: string): VirtualPod | undefined {
    return this.#pods.get(name);
  }

  isBusy({ state, worker }: VirtualPod): boolean {
    return state !== 'starting' && this.#options.farm.isBusy(worker);
  }

  scale(pool: ScaledPool, replicas: number): void {
    this.#replicas.set(pool, replicas);
    const pods = this.podsOf(pool);
    for (let count = pods.length; count < replicas; count += 1) this.#create(pool);
    if (pods.length <= replicas) return;
    const order = pods.toSorted(
      (a, b) => compareForDeletion(factsOf(a), factsOf(b)) || b.createdMs - a.createdMs,
    );
    for (const pod of order.slice(0, pods.length - replicas)) this.#end(pod);
  }

  /** Takes no tasks for so long, if it runs nothing now; then it does again. */
  askToRest(name: string, seconds: number): void {
    const { clock, farm } = this.#options;
    const pod = this.#pods.get(name);
    if (pod?.state !== 'working' || pod.isResting || farm.isBusy(pod.worker)) return;
    pod.isResting = true;
    farm.rest(pod.worker, true);
    clock.after(seconds * 1000, () => {
      if (pod.state !== 'working') return;
      pod.isResting = false;
      farm.rest(pod.worker, false);
    });
  }

  factsOfPods(pool: ScaledPool): readonly PodFacts[] {
    return this.podsOf(pool).map(factsOf);
  }

  factsOf(pool: ScaledPool): DeploymentFacts {
    return {
      name: pool,
      uid: pool,
      replicas: this.replicasOf(pool),
      podsCounted: this.podsOf(pool).length,
      isRollingOut: false,
    };
  }

  #create(pool: ScaledPool): void {
    const { clock, farm, startSeconds } = this.#options;
    const worker = this.#free.get(pool)!.pop()!;
    this.#made += 1;
    const pod: VirtualPod = {
      ...{ name: `${pool}-pod-${this.#made}`, pool, worker },
      ...{ createdMs: clock.nowMs(), state: 'starting', deletionCost: 0 },
      ...{ isHeld: false, isResting: false },
    };
    this.#pods.set(pod.name, pod);
    const { mean, sigma } = startSeconds;
    const seconds = mean * Math.exp(sigma * normalOf(this.#random) - (sigma * sigma) / 2);
    clock.after(seconds * 1000, () => {
      if (pod.state !== 'starting') return;
      this.#startMs += seconds * 1000;
      pod.state = 'working';
      farm.come(worker, pod.name);
    });
  }

  #end(pod: VirtualPod): void {
    const { clock, farm, drainSeconds } = this.#options;
    const hadStarted = pod.state === 'working';
    pod.state = 'ending';
    if (!hadStarted) {
      this.#startMs += clock.nowMs() - pod.createdMs;
      this.#remove(pod);
      return;
    }
    farm.rest(pod.worker, true);
    const go = (): void => {
      this.#lost += farm.go(pod.worker);
      this.#remove(pod);
    };
    if (!farm.isBusy(pod.worker)) {
      go();
      return;
    }
    const untilMs = clock.nowMs() + drainSeconds * 1000;
    const look = (): void => {
      if (!farm.isBusy(pod.worker) || clock.nowMs() >= untilMs) go();
      else clock.after(1_000, look);
    };
    clock.after(1_000, look);
  }

  #remove(pod: VirtualPod): void {
    this.#gpuMs += this.#options.clock.nowMs() - pod.createdMs;
    this.#pods.delete(pod.name);
    this.#free.get(pod.pool)!.push(pod.worker);
  }
}

function factsOf(pod: VirtualPod): PodFacts {
  const hasStarted = pod.state !== 'starting';
  return {
    ...{ name: pod.name, uid: pod.name, deployment: pod.pool, createdAtMs: pod.createdMs },
    ...{ node: 'node', phase: hasStarted ? 'Running' : 'Pending', isReady: hasStarted },
    ...{ hasStarted, isLeaving: pod.state === 'ending' },
    ...{ deletionCost: pod.deletionCost, isHeld: pod.isHeld },
  };
}
