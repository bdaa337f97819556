// How many tasks of which stage are where, summed over jobs.

import { STAGES } from '../../../common/task.ts';
import type { Stage } from '../../../common/task.ts';

/**
 * Of a task that must run and is not done:
 * - `waiting`: something that it reads is not there yet
 * - `ready`: it could be published
 * - `published`: on the bus, or waiting for its next attempt
 * - `running`: in the hands of a worker that has said so
 */
export const TASK_STATES = ['waiting', 'ready', 'published', 'running'] as const;
export type TaskPlace = (typeof TASK_STATES)[number];

export class TaskCounts {
  readonly #counts = new Map<Stage, Record<TaskPlace, number>>(
    STAGES.map((stage) => [stage, { waiting: 0, ready: 0, published: 0, running: 0 }]),
  );

  add(stage: Stage, place: TaskPlace, count: number): void {
    this.#counts.get(stage)![place] += count;
  }

  of(stage: Stage, place: TaskPlace): number {
    return this.#counts.get(stage)![place];
  }
}
