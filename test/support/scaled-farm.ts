// A small farm for the scaler's properties: pods and workers with a truth of their own, of which lists and beats tell late, or nothing. The
// controller ends pods in Kubernetes' order.

import { CompleteList } from '../../coordinator/scaling/complete-list.ts';
import type { Decision } from '../../coordinator/scaling/decision.ts';
import { compareForDeletion } from '../../coordinator/scaling/deletion-order.ts';
import { FarmView } from '../../coordinator/scaling/farm-view.ts';
import type { DeploymentFacts, PodFacts } from '../../coordinator/scaling/farm-view.ts';
import type { HeardWorker, HeardWorkers } from '../../coordinator/scaling/worker-pods.ts';
import { simulatedNumerics } from '../../coordinator/simulation/tenancy.ts';
import { REST_SECONDS } from '../../common/worker-status.ts';
import type { TaskId } from '../../common/task.ts';

export const CLASS = simulatedNumerics('c');

/** At least, from a pod's node to a worker that takes tasks. */
const START_MS = 3_000;

interface Pod {
  readonly facts: PodFacts;
  cost: number;
  isHeld: boolean;
  /** When it got a node. */
  placedMs: number | undefined;
  isWorking: boolean;
  hasLease: boolean;
  restsUntilMs: number;
}

export class ScaledFarm {
  /** Pods that were ended while they had a lease. */
  readonly lost: string[] = [];
  nowMs = 1e6;
  replicas = 0;
  #made = 0;
  #pods: Pod[] = [];
  readonly #heard = new Map<string, HeardWorker>();

  get pods(): readonly Readonly<Pod>[] {
    return this.#pods;
  }

  /** Somebody, or the scaler, sets replicas; the controller acts at once. */
  scale(replicas: number): void {
    this.replicas = replicas;
    while (this.#pods.length < replicas) this.#make();
    const order = this.#pods.toSorted((a, b) => compareForDeletion(factsOf(a), factsOf(b)));
    for (const pod of order.slice(0, this.#pods.length - replicas)) {
      if (pod.hasLease) this.lost.push(pod.facts.name);
      this.#pods = this.#pods.filter((other) => other !== pod);
    }
  }

  /** Whose number is among these: gets a node, comes up, takes a task, or ends one. */
  stir(numbers: readonly number[]): void {
    for (const number of numbers) {
      const pod = this.#pods[number % Math.max(1, this.#pods.length)];
      if (pod === undefined) continue;
      if (pod.placedMs === undefined) pod.placedMs = this.nowMs;
      else if (!pod.isWorking) pod.isWorking = this.nowMs - pod.placedMs >= START_MS;
      else if (pod.hasLease) pod.hasLease = false;
      else if (pod.restsUntilMs <= this.nowMs) pod.hasLease = true;
    }
  }

  /** Beats of those whose numbers are not among the lost ones. */
  beat(lostNumbers: readonly number[]): void {
    this.#pods.forEach(({ facts: { name }, isWorking, hasLease, restsUntilMs }, index) => {
      if (!isWorking || lostNumbers.some((number) => number % this.#pods.length === index)) return;
      const running = hasLease ? ['t' as TaskId] : [];
      const status = { name, running, draining: restsUntilMs > this.nowMs, numerics: CLASS };
      this.#heard.set(name, { status, heardMs: this.nowMs });
    });
    // As the registry does.
    for (const [name, { heardMs }] of this.#heard) {
      if (this.nowMs - heardMs > 6_000) this.#heard.delete(name);
    }
  }

  get workers(): HeardWorkers {
    return { byName: new Map(this.#heard), listeningSinceMs: 0 };
  }

  /** What the lists say, of now; with so many pods left out, as of a cut answer that looks whole. */
  async view(cut = 0): Promise<FarmView> {
    const items = this.#pods.map(factsOf);
    const deployment: DeploymentFacts = {
      ...{ name: 'vdm', uid: 'vdm', replicas: this.replicas, podsCounted: items.length },
      isRollingOut: false,
    };
    const list = <T>(all: readonly T[]): Promise<CompleteList<T>> =>
      CompleteList.collect(
        'test',
        () => this.nowMs,
        () => Promise.resolve({ resourceVersion: '1', items: all }),
      );
    return new FarmView({
      pods: await list(items.slice(0, items.length - cut)),
      deployments: await list([deployment]),
    });
  }

  /** What arrives of a decision: parts of it may be lost. */
  apply({ marks, rest, replicas }: Decision, lost: { rest: boolean; marks: boolean }): void {
    for (const { pod, deletionCost, isHeld } of lost.marks ? [] : marks) {
      const there = this.#pods.find(({ facts }) => facts.uid === pod.uid);
      if (there === undefined) continue;
      there.cost = deletionCost ?? there.cost;
      there.isHeld = isHeld ?? there.isHeld;
    }
    for (const name of lost.rest ? [] : rest) {
      const there = this.#pods.find(({ facts }) => facts.name === name);
      if (there?.isWorking !== true || there.hasLease || there.restsUntilMs > this.nowMs) continue;
      there.restsUntilMs = this.nowMs + REST_SECONDS * 1000;
    }
    for (const { deployment, to } of replicas) {
      if (deployment.replicas === this.replicas) this.scale(to);
    }
  }

  #make(): void {
    this.#made += 1;
    const name = `pod-${this.#made}`;
    this.#pods.push({
      facts: {
        ...{ name, uid: name, deployment: 'vdm', createdAtMs: this.nowMs, node: undefined },
        ...{ phase: 'Pending', isReady: false, hasStarted: false, isLeaving: false },
        ...{ deletionCost: 0, isHeld: false },
      },
      ...{
        cost: 0,
        isHeld: false,
        placedMs: undefined,
        isWorking: false,
        hasLease: false,
        restsUntilMs: 0,
      },
    });
  }
}

function factsOf({ facts, cost, isHeld, placedMs, isWorking }: Pod): PodFacts {
  const there = isWorking ? ({ phase: 'Running', isReady: true, hasStarted: true } as const) : {};
  const node = placedMs === undefined ? undefined : 'n';
  return { ...facts, ...there, node, deletionCost: cost, isHeld };
}
