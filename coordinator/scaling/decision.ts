// What the scaler looks at, and what it says shall change.

import type { DeploymentFacts, FarmView, PodFacts } from './farm-view.ts';
import type { JobAhead, ScaledPool } from './predicted-work.ts';
import type { HeardWorkers } from './worker-pods.ts';

export interface ReplicasChange {
  readonly deployment: DeploymentFacts;
  readonly to: number;
}

/** A pod's marks as they shall be; what is left out stays. */
export interface PodMarks {
  readonly pod: PodFacts;
  readonly deletionCost?: number;
  /** Keeps cluster autoscalers from moving it. */
  readonly isHeld?: boolean;
}

export interface Decision {
  readonly replicas: readonly ReplicasChange[];
  readonly marks: readonly PodMarks[];
  /** Names of workers that shall rest if they run nothing. */
  readonly rest: readonly string[];
  /** By pool, in words: what is so, what is done, and why. */
  readonly reasons: Readonly<Partial<Record<ScaledPool, string>>>;
  /** What keeps it from deciding, or should be looked at by a person. */
  readonly troubles: readonly string[];
}

export interface Look {
  readonly view: FarmView;
  readonly workers: HeardWorkers;
  readonly jobs: readonly JobAhead[];
  /** Monotonic: the clock of views and of what was heard. */
  readonly nowMs: number;
  /** Milliseconds since 1970. */
  readonly wallMs: number;
}

/** Of one pool. */
export interface PoolDecision {
  readonly replicas: ReplicasChange | undefined;
  readonly marks: readonly PodMarks[];
  readonly rest: readonly string[];
  readonly reason: string;
}
