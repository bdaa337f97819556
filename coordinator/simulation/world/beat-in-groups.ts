// The beats of simulated workers.

import { WORKER_BEAT_MS } from '../../../common/worker-status.ts';
import type { WorkerStatus } from '../../../common/worker-status.ts';
import type { FarmOptions } from './farm-options.ts';

/** Workers beat in so many groups, one after the other: not all in the same instant. */
const BEAT_GROUPS = 20;

export interface BeatOptions extends Pick<FarmOptions, 'clock' | 'onBeats'> {
  /** As they are at each beat. */
  readonly statuses: readonly WorkerStatus[];
  readonly isAlive: (worker: number) => boolean;
}

/** For as long as the simulation lasts. */
export function beatInGroups({ clock, onBeats, statuses, isAlive }: BeatOptions): void {
  const beat = (group: number): void => {
    const alive: WorkerStatus[] = [];
    for (let worker = group; worker < statuses.length; worker += BEAT_GROUPS) {
      if (isAlive(worker)) alive.push(statuses[worker]!);
    }
    onBeats(alive);
    clock.after(WORKER_BEAT_MS, () => {
      beat(group);
    });
  };
  for (let group = 0; group < BEAT_GROUPS; group += 1) {
    clock.after((WORKER_BEAT_MS * (group + 1)) / BEAT_GROUPS, () => {
      beat(group);
    });
  }
}
