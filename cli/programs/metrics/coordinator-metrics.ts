// What a coordinator tells Prometheus. While it follows another it has no farm, and says so.

import { STAGES } from '../../../common/task.ts';
import type { WorkerStatus } from '../../../common/worker-status.ts';
import { censusOf, POOLS, WORKER_STATES } from '../../../coordinator/dispatch/census.ts';
import type { FarmNumbers, TaskOutcome } from '../../../coordinator/dispatch/dispatcher-options.ts';
import { TASK_STATES } from '../../../coordinator/domain/work/task-counts.ts';
import { METRICS } from './metric-list.ts';
import { MetricRegistry } from './metric-registry.ts';

/** Of a coordinator that leads. */
export interface LedFarm {
  readonly numbers: FarmNumbers;
  readonly workers: readonly WorkerStatus[];
  /** Since the program began. */
  readonly malformed: ReadonlyMap<string, number>;
}

export class CoordinatorMetrics {
  readonly registry = new MetricRegistry('coordinator');
  #farm: (() => LedFarm) | undefined;

  constructor() {
    this.registry.onScrape(() => {
      this.#refresh();
    });
  }

  /** From now on it leads this farm. */
  lead(farm: () => LedFarm): void {
    this.#farm = farm;
    for (const stage of STAGES) {
      this.registry.count('bivdiff_leases_lost_total', { stage }, 0);
      this.registry.count('bivdiff_divergences_total', { stage }, 0);
    }
  }

  note(outcome: TaskOutcome): void {
    const { registry } = this;
    const { kind, stage } = outcome;
    switch (kind) {
      case 'committed':
        registry.observe('bivdiff_stage_seconds', outcome.seconds, { stage });
        break;
      case 'failed':
        registry.count('bivdiff_task_failures_total', { stage, code: outcome.code });
        break;
      case 'lost':
        registry.count('bivdiff_leases_lost_total', { stage });
        break;
      case 'diverged':
        registry.count('bivdiff_divergences_total', { stage });
    }
  }

  #refresh(): void {
    const { registry } = this;
    registry.set('bivdiff_leader', this.#farm === undefined ? 0 : 1);
    if (this.#farm === undefined) return;
    const { numbers, workers, malformed } = this.#farm();
    for (const state of METRICS.bivdiff_jobs.labels.state) {
      const jobs = numbers.jobs as ReadonlyMap<string, number>;
      registry.set('bivdiff_jobs', jobs.get(state) ?? 0, { state });
    }
    for (const stage of STAGES)
      for (const state of TASK_STATES)
        registry.set('bivdiff_tasks', numbers.tasks.of(stage, state), { stage, state });
    const census = censusOf(workers);
    for (const pool of POOLS) {
      const ofPool = census.get(pool)!;
      registry.set('bivdiff_queue_seconds', numbers.workSeconds.get(pool) ?? 0, { pool });
      registry.set('bivdiff_slots', ofPool.slots, { pool });
      registry.set('bivdiff_slots_busy', ofPool.slotsBusy, { pool });
      for (const state of WORKER_STATES)
        registry.set('bivdiff_workers', ofPool.workers[state], { pool, state });
    }
    for (const [kind, total] of malformed)
      registry.countTo('bivdiff_malformed_messages_total', total, { kind });
  }
}
