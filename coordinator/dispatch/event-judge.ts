// What an event says of the workers and of how long tasks take, whichever jobs need the task.

import type { WorkerEvent } from '../../common/bus/ports.ts';
import type { Stage } from '../../common/task.ts';
import type { TaskPaces } from '../domain/task-paces.ts';
import type { PublishedTasks } from '../run/published-tasks.ts';
import type { TaskOutcome } from './dispatcher-options.ts';
import type { WorkerRegistry } from './worker-registry.ts';

export interface EventJudgeOptions {
  readonly workers: WorkerRegistry;
  readonly paces: TaskPaces;
  readonly out: PublishedTasks;
  /** As the dispatcher's. */
  readonly onOutcome?: ((outcome: TaskOutcome) => void) | undefined;
}

export class EventJudge {
  readonly #options: EventJudgeOptions;

  constructor(options: EventJudgeOptions) {
    this.#options = options;
  }

  /**
   * To be called while the task is still out. Workers that fail where others succeed are set aside; what is published from now on is not for
   * them. Gives the stage of one that is set aside now.
   */
  take(event: WorkerEvent): Stage | undefined {
    const { workers, paces, out, onOutcome } = this.#options;
    if (event.kind === 'committed') {
      const { worker, stage, seconds } = event.result;
      workers.succeeded(worker, stage);
      const place = out.placeOf(event.taskId);
      if (place !== undefined) {
        paces.note(place.pool, place.numericsKey, seconds);
        onOutcome?.({ kind: 'committed', stage, seconds });
      }
    }
    if (event.kind === 'diverged') onOutcome?.({ kind: 'diverged', stage: event.stage });
    if (event.kind !== 'failed') return undefined;
    const { worker, taskId, failure } = event;
    const stage = out.stageOf(taskId);
    if (stage === undefined) return undefined;
    const { code } = failure;
    if (code !== 'cancelled') onOutcome?.({ kind: 'failed', stage, code });
    return workers.failed({ worker, stage, taskId, failure }) ? stage : undefined;
  }
}
