// A worker: pulls tasks, runs them, commits their results, reports. Each slot is one loop. Knows nothing of plans or jobs.

import { setTimeout as delay } from 'node:timers/promises';

import type { Delivery, WorkerBus } from '../common/bus/ports.ts';
import { BivdiffError } from '../common/errors.ts';
import type { ResultRecord, TaskId } from '../common/task.ts';
import { runStage } from './stage-runner.ts';
import type { StageRunnerOptions } from './stage-runner.ts';

/** Longest wait for a task before the queues are asked again. */
const PULL_WAIT_MS = 5_000;
/** How soon a task that this worker shall not take is offered again. */
const HAND_BACK_DELAY_MS = 100;

export interface WorkerOptions extends StageRunnerOptions {
  readonly name: string;
  readonly bus: WorkerBus;
  /** Tasks at once. */
  readonly slots: number;
  /** Where to pull from, preferred first. */
  readonly queues: readonly string[];
  /** The bus's ack wait; a third of it is the heartbeat. */
  readonly ackWaitMs: number;
  /** Once it aborts, nothing more is begun; what runs goes on. @default the signal */
  readonly drain?: AbortSignal;
  /** Kept up to date, for whoever tells others. */
  readonly tally?: WorkerTally;
}

/** What a worker runs now, and has done. */
export interface WorkerTally {
  readonly running: Set<TaskId>;
  committed: number;
}

/**
 * Works until it is drained, or the signal aborts and what was begun has stopped; that is handed back to the bus.
 */
export async function runWorker(options: WorkerOptions, signal: AbortSignal): Promise<void> {
  await Promise.all(
    Array.from({ length: options.slots }, (_, slot) => runSlot(options, slot, signal)),
  );
}

async function runSlot(options: WorkerOptions, slot: number, signal: AbortSignal): Promise<void> {
  const { bus, name, queues, drain = signal } = options;
  const ending = AbortSignal.any([signal, drain]);
  while (!ending.aborted) {
    const delivery = await bus.pull(queues, { worker: name, waitMs: PULL_WAIT_MS, signal: ending });
    if (delivery === undefined) continue;
    if (delivery.message.excludedWorkers.includes(name)) {
      await delivery.nak(HAND_BACK_DELAY_MS);
      continue;
    }
    const { id } = delivery.message.task;
    options.tally?.running.add(id);
    await runDelivery(options, {
      delivery,
      slot,
      stop: signal,
      signal: AbortSignal.any([signal, delivery.signal]),
    });
    options.tally?.running.delete(id);
  }
}

interface RunDelivery {
  readonly delivery: Delivery;
  readonly slot: number;
  /** This worker ends. */
  readonly stop: AbortSignal;
  /** Either this worker ends, or the task is cancelled. */
  readonly signal: AbortSignal;
}

async function runDelivery(options: WorkerOptions, run: RunDelivery): Promise<void> {
  const { bus, name } = options;
  const { task, attempt } = run.delivery.message;
  const heartbeat = startHeartbeat(run.delivery, options.ackWaitMs / 3);
  const facts = { taskId: task.id, worker: name, attempt };
  let isHandedBack = false;
  try {
    // Delivered twice, or made for another job: then it is there already.
    let record = await options.store.getRecord(task.id, { checkArtifacts: true });
    if (record === undefined) {
      await bus.report({ kind: 'started', ...facts, slot: run.slot, stage: task.stage });
      record = await commitTask(options, run);
      if (options.tally !== undefined) options.tally.committed += 1;
    }
    await bus.report({ kind: 'committed', ...facts, record });
  } catch (reason) {
    const error = run.signal.aborted
      ? new BivdiffError('cancelled', `${task.stage} was stopped`, { cause: reason })
      : BivdiffError.from(reason, task.stage);
    await bus.report({ kind: 'failed', ...facts, failure: error.toJSON() });
    // This worker ends; nobody has cancelled the task.
    isHandedBack = run.stop.aborted && !run.delivery.signal.aborted;
  } finally {
    heartbeat.abort();
    await (isHandedBack ? run.delivery.nak(0) : run.delivery.ack());
  }
}

/** Artifacts, then the record; the ack comes after both. */
async function commitTask(options: WorkerOptions, run: RunDelivery): Promise<ResultRecord> {
  const { bus, store, name } = options;
  const { task, attempt } = run.delivery.message;
  const startedAt = new Date();
  // The wall clock may be set meanwhile.
  const begunMs = performance.now();
  const outcome = await runStage(task, options, {
    signal: run.signal,
    onProgress: (step, steps) => {
      // Progress is a courtesy: a lost report harms nobody.
      bus
        .report({ kind: 'progress', taskId: task.id, worker: name, step, steps })
        .catch(() => undefined);
    },
  });
  const record: ResultRecord = {
    taskId: task.id,
    stage: task.stage,
    outputs: outcome.outputs,
    worker: name,
    numericsClass: task.numericsClass,
    attempt,
    startedAt: startedAt.toISOString(),
    seconds: (performance.now() - begunMs) / 1000,
    busySeconds: outcome.busySeconds,
  };
  const put = await store.putRecord(record);
  if (put.kind === 'created') return record;
  if (outputDigests(put.record) !== outputDigests(record)) {
    const { taskId, stage } = record;
    await bus.report({
      kind: 'diverged',
      taskId,
      stage,
      worker: name,
      otherWorker: put.record.worker,
    });
  }
  return put.record;
}

function outputDigests(record: ResultRecord): string {
  const outputs = Object.entries(record.outputs).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(outputs.map(([name, refs]) => [name, refs.map((ref) => ref.digest)]));
}

function startHeartbeat(delivery: Delivery, intervalMs: number): AbortController {
  const stopped = new AbortController();
  const beat = async (): Promise<void> => {
    for (;;) {
      await delay(intervalMs, undefined, { signal: stopped.signal, ref: false });
      await delivery.working();
    }
  };
  // Ends by the abort, or because the lease is lost: then the result is put anyway, which does no harm.
  beat().catch(() => undefined);
  return stopped;
}
