// What whoever runs a farm says of its scaling.

import type { ScaledPool } from './predicted-work.ts';

export interface PoolSettings {
  /** Name of the Deployment whose pods are the pool's workers. */
  readonly deployment: string;
  readonly min: number;
  readonly max: number;
  /** Tasks at once of a worker. */
  readonly slotsPerWorker: number;
  /** A worker that has had nothing to do for so long, and for which nothing is foreseen, may go. */
  readonly cooldownSeconds: number;
  /** What a worker is expected to take until it works; counts until some were seen to start. */
  readonly startSeconds: number;
}

export interface ScalerSettings {
  /** A job should be complete so long after it came. */
  readonly targetSeconds: number;
  /** What all pods together may use in a day (UTC): then none is started beyond `min`. @default no limit */
  readonly gpuSecondsMax?: number | undefined;
  /** A pool that is left out is not scaled. */
  readonly pools: Readonly<Partial<Record<ScaledPool, PoolSettings>>>;
}
