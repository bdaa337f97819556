// Runs one job over a bus and a store until its results are there. Knows nothing of what stages do or where workers
// are. The signal stops it; whatever was committed stays.

import { setTimeout as delay } from 'node:timers/promises';

import type { CoordinatorBus, WorkerEvent } from '../../common/bus/ports.ts';
import { BivdiffError } from '../../common/errors.ts';
import type { Store } from '../../common/store/ports.ts';
import type { JobId, Pool } from '../../common/task.ts';
import type { FailurePolicy } from '../domain/failure-policy.ts';
import type { TaskGraph, TaskNumber } from '../domain/task-graph.ts';
import { PublishOrder } from '../domain/publish-order.ts';
import { JobRun } from '../run/job-run.ts';
import type { JobObserver } from '../run/job-observer.ts';
import { PublishedTasks } from '../run/published-tasks.ts';
import type { SharedHolds } from '../run/shared-holds.ts';
import type { Clock } from '../ports.ts';

/** How long running tasks may take to stop: a step of the largest model, with room. */
const STOP_TIMEOUT_MS = 30_000;

export interface RunAloneOptions {
  readonly jobId: JobId;
  readonly graph: TaskGraph;
  readonly wanted: readonly TaskNumber[];
  readonly store: Store;
  readonly bus: CoordinatorBus;
  readonly clock: Clock;
  readonly policy: FailurePolicy;
  /** Tasks that the workers of a pool can run at once; `any`: all workers. */
  readonly slotsOf: (pool: Pool) => number;
  readonly observer: JobObserver;
  /** As `JobRunOptions.holds`. */
  readonly holds?: SharedHolds | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Resolves when every wanted result is in the store.
 * @throws BivdiffError — the job's failure, with its causes; `cancelled` when the signal aborts
 */
export async function runJobAlone(options: RunAloneOptions): Promise<void> {
  const { jobId, bus, store, clock, slotsOf, signal } = options;
  signal?.throwIfAborted();
  const out = new PublishedTasks({ bus, store, clock, slotsOf });
  const order = new PublishOrder({ out, slotsOf });
  const onReady = (pool: Pool): void => {
    order.hasReady(jobId, pool);
  };
  const run = new JobRun({ ...options, out, onReady });
  const { numericsKey } = options.graph;
  order.place({ jobId, owner: run.owner, priority: 0, submittedAtMs: 0, numericsKey });
  order.begin(jobId, run);
  const over = new AbortController();
  const events = bus.events(over.signal);
  const stop = (): void => {
    void run.stop(new BivdiffError('cancelled', 'stopped on request')).finally(() => {
      if (run.isOver) over.abort();
    });
    void delay(STOP_TIMEOUT_MS, undefined, { signal: over.signal, ref: false }).then(
      () => {
        over.abort();
      },
      () => undefined,
    );
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await run.start(options.wanted);
    publish(run, order);
    if (!run.isOver) await followEvents(run, events, order);
    if (run.failure !== undefined) throw run.failure;
  } finally {
    signal?.removeEventListener('abort', stop);
    over.abort();
  }
}

async function followEvents(
  run: JobRun,
  events: AsyncIterable<WorkerEvent>,
  order: PublishOrder,
): Promise<void> {
  for await (const event of events) {
    await run.handle(event);
    if (run.isOver) return;
    publish(run, order);
  }
}

function publish(run: JobRun, order: PublishOrder): void {
  for (let next = order.next(); next !== undefined; next = order.next()) run.publishNext(next.pool);
}
