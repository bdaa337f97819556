// What the simulated workers need from the rest of the simulation, and tell it.

import type { Stage, TaskId } from '../../../common/task.ts';
import type { WorkerStatus } from '../../../common/worker-status.ts';
import type { Draws } from '../draws.ts';
import type { Scenario, StageSeconds } from '../scenario.ts';
import type { VirtualBus } from './virtual-bus.ts';
import type { VirtualClock } from './virtual-clock.ts';
import type { VirtualStore } from './virtual-store.ts';

/** A task that was committed, in virtual time. */
export interface SimulatedRun {
  readonly taskId: TaskId;
  readonly stage: Stage;
  readonly beganMs: number;
  readonly endedMs: number;
}

export interface FarmOptions {
  readonly scenario: Scenario;
  readonly clock: VirtualClock;
  readonly bus: VirtualBus;
  readonly store: VirtualStore;
  readonly draws: Draws;
  readonly stageSeconds: StageSeconds;
  /** No worker is there before the farm is told that it comes. @default false */
  readonly startsEmpty?: boolean;
  /** Tasks that fail every attempt. */
  readonly poisoned: ReadonlySet<TaskId>;
  /** Told of each task that was committed. */
  readonly onRun?: ((run: SimulatedRun) => void) | undefined;
  /** Signs of life. */
  readonly onBeats: (statuses: readonly WorkerStatus[]) => void;
}
