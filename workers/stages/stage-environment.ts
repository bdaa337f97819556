// What running one task takes and gives, whichever stage it is of.

import type { TaskMessage } from '../../common/bus/ports.ts';
import type { Store } from '../../common/store/ports.ts';
import type { ResultRecord } from '../../common/task.ts';
import type { MediaWork, PartLookup, StageLanes, TensorPeers } from './ports.ts';
import type { SourceCache } from './source-cache.ts';

export interface StageRunnerOptions {
  readonly store: Store;
  readonly lanes: StageLanes;
  readonly media: MediaWork;
  readonly sources: SourceCache;
  /** Role to label of the panels that are shown side by side, in their order. */
  readonly panelLabels: Readonly<Record<string, string>>;
  readonly findPart: PartLookup;
  /** @default nobody: the store gives everything */
  readonly peers?: TensorPeers;
  /** Of this worker, for the records of checkpoints. */
  readonly worker: string;
  /** About how often a task of many steps leaves a checkpoint; Infinity: never. */
  readonly checkpointSeconds: number;
  /** Told of each that was written, or could not be. */
  readonly onCheckpoint?: (outcome: 'written' | 'failed') => void;
}

/** What a worker does where nothing else is said: a checkpoint takes it some milliseconds. */
export const CHECKPOINT_SECONDS = 10;

export interface StageOutcome {
  readonly outputs: ResultRecord['outputs'];
  /** Seconds inside ONNX Runtime or a codec. */
  readonly busySeconds: number;
  /** As this worker keeps the outputs for those that read them: named by digests of their frames. */
  readonly held?: ResultRecord['outputs'];
  /** Seconds that it took to store them; absent where the store has none of them. */
  readonly storingSeconds?: number;
  /** To be called once the result is committed: what was kept in case it would not be is let go. Never fails. */
  readonly committed?: () => Promise<void>;
}

export interface RunTaskOptions extends Pick<TaskMessage, 'mayHold' | 'held'> {
  readonly signal?: AbortSignal;
  readonly onProgress?: (step: number, steps: number) => void;
  /**
   * Does what keeps a slot busy, once one is free: called once, after what the task reads was gathered. `doneSteps` were taken by an
   * earlier run of the task.
   */
  readonly onDevice: <T>(work: () => Promise<T>, doneSteps?: number) => Promise<T>;
}
