// What running one task takes and gives, whichever stage it is of.

import type { Store } from '../common/store/ports.ts';
import type { ResultRecord } from '../common/task.ts';
import type { MediaWork, PartLookup, StageLanes, TensorPeers } from './ports.ts';
import type { SourceCache } from './source-cache.ts';

export interface StageRunnerOptions {
  readonly store: Store;
  readonly lanes: StageLanes;
  readonly media: MediaWork;
  readonly sources: SourceCache;
  readonly findPart: PartLookup;
  /** @default nobody: the store gives everything */
  readonly peers?: TensorPeers;
}

export interface StageOutcome {
  readonly outputs: ResultRecord['outputs'];
  /** Seconds inside ONNX Runtime or a codec. */
  readonly busySeconds: number;
}

export interface RunTaskOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (step: number, steps: number) => void;
  /** Does what keeps a slot busy, once one is free: called once, after what the task reads was gathered. */
  readonly onDevice: <T>(work: () => Promise<T>) => Promise<T>;
}
