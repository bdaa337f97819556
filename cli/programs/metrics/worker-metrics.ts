// What a worker tells Prometheus.

import type { Stage } from '../../../common/task.ts';
import type { GatherTally } from '../../../common/worker-status.ts';
import type { StepBytes } from '../../../workers/peers/peer-tensors.ts';
import type { LaneLoad } from '../../../workers/inference/lanes/lane-job.ts';
import type { SettledTask } from '../../../workers/worker.ts';
import { MetricRegistry } from './metric-registry.ts';

/** How a worker stands. */
export interface WorkerNumbers {
  readonly slots: number;
  /** Tasks that it has in hand. */
  readonly running: number;
  readonly draining: boolean;
  readonly gathered: Readonly<GatherTally>;
  readonly stepBytes: Readonly<StepBytes>;
  /** Of each lane. */
  readonly loads: readonly LaneLoad[];
  /** Since the program began. */
  readonly malformed: ReadonlyMap<string, number>;
}

export class WorkerMetrics {
  readonly registry = new MetricRegistry('worker');

  constructor() {
    this.registry.count('bivdiff_worker_leases_lost_total', {}, 0);
    for (const outcome of ['written', 'failed'])
      this.registry.count('bivdiff_worker_checkpoints_total', { outcome }, 0);
  }

  /** From now on it has something to tell. */
  follow(numbers: () => WorkerNumbers): void {
    this.registry.onScrape(() => {
      this.#refresh(numbers());
    });
  }

  settled(stage: Stage, { outcome, seconds }: SettledTask): void {
    this.registry.count('bivdiff_worker_tasks_total', { stage, outcome });
    if (seconds !== undefined)
      this.registry.observe('bivdiff_worker_stage_seconds', seconds, { stage });
  }

  leaseLost(): void {
    this.registry.count('bivdiff_worker_leases_lost_total');
  }

  checkpoint(outcome: 'written' | 'failed'): void {
    this.registry.count('bivdiff_worker_checkpoints_total', { outcome });
  }

  #refresh(numbers: WorkerNumbers): void {
    const { slots, running, draining, gathered, stepBytes, loads, malformed } = numbers;
    const { registry } = this;
    registry.set('bivdiff_worker_slots', slots);
    // It may have taken more, ahead.
    registry.set('bivdiff_worker_slots_busy', Math.min(slots, running));
    registry.set('bivdiff_worker_draining', draining ? 1 : 0);
    const loadedMs = loads.flatMap(({ warm }) => Object.values(warm));
    registry.set('bivdiff_worker_models_loaded', loadedMs.length);
    registry.set('bivdiff_worker_model_load_seconds', sum(loadedMs) / 1000);
    const bytes = loads.map(({ loadedBytes }) => loadedBytes);
    registry.set('bivdiff_worker_models_loaded_bytes', sum(bytes));
    const { hits, misses, fallbacks } = gathered;
    const sources = { peer: hits, store: misses, fallback: fallbacks };
    for (const [from, total] of Object.entries(sources))
      registry.countTo('bivdiff_worker_gathered_total', total, { from });
    for (const [from, total] of Object.entries(stepBytes))
      registry.countTo('bivdiff_worker_step_bytes_total', total, { from });
    for (const [kind, total] of malformed)
      registry.countTo('bivdiff_malformed_messages_total', total, { kind });
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
