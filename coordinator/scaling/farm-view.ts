// What is known of a farm on Kubernetes at one time: its Deployments and their pods. Made from complete lists only, and its age is known.

import assert from 'node:assert/strict';

import { CompleteList } from './complete-list.ts';

export interface DeploymentFacts {
  readonly name: string;
  readonly uid: string;
  /** Wanted, by its spec. */
  readonly replicas: number;
  /** Pods that its controller has counted last. */
  readonly podsCounted: number;
  /** Its controller has not acted on its last spec yet, or pods of an older template are still there. */
  readonly isRollingOut: boolean;
  /** Raised at every change of its spec, where the server says it. */
  readonly generation?: number | undefined;
  /** Who has set `replicas` last, where the server says so: the name of a field manager. */
  readonly replicasSetBy?: string | undefined;
}

export interface PodFacts {
  /** The worker's name too. */
  readonly name: string;
  readonly uid: string;
  /** Name of its Deployment. */
  readonly deployment: string;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  readonly node: string | undefined;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
  readonly isReady: boolean;
  /** A container of it has been started. */
  readonly hasStarted: boolean;
  /** It has been deleted, and ends. */
  readonly isLeaving: boolean;
  /** `controller.kubernetes.io/pod-deletion-cost`; 0 where it has none. */
  readonly deletionCost: number;
  /** It has the annotations that keep cluster autoscalers from moving it. */
  readonly isHeld: boolean;
  /** Why it does not run, in the words of scheduler or kubelet. */
  readonly trouble?: string | undefined;
}

export class FarmView {
  readonly #pods: CompleteList<PodFacts>;
  readonly #deployments: CompleteList<DeploymentFacts>;

  constructor(lists: {
    readonly pods: CompleteList<PodFacts>;
    readonly deployments: CompleteList<DeploymentFacts>;
  }) {
    assert(CompleteList.isOne(lists.pods) && CompleteList.isOne(lists.deployments));
    this.#pods = lists.pods;
    this.#deployments = lists.deployments;
  }

  /** Milliseconds since the older of its lists was asked for, by the clock that they were made by. */
  ageMs(nowMs: number): number {
    return nowMs - Math.min(this.#pods.asOfMs, this.#deployments.asOfMs);
  }

  deployment(name: string): DeploymentFacts | undefined {
    return this.#deployments.items.find((one) => one.name === name);
  }

  /** Whether it was listed, leaving or not. */
  hasPod(uid: string): boolean {
    return this.#pods.items.some((pod) => pod.uid === uid);
  }

  /** Those that count: neither over nor leaving. */
  podsOf(deployment: string): readonly PodFacts[] {
    return this.#pods.items.filter(
      (pod) =>
        pod.deployment === deployment &&
        !pod.isLeaving &&
        pod.phase !== 'Succeeded' &&
        pod.phase !== 'Failed',
    );
  }
}
