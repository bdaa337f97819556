// A worker for tests of dispatch: it commits made-up results at once, or fails as a script says. Bus and store are the real ones.

import { resultFacts } from '../../../common/bus/ports.ts';
import type { Bus } from '../../../common/bus/ports.ts';
import { wholeTask } from '../../../common/bus/task-inputs.ts';
import { digestText } from '../../../common/digest.ts';
import { BivdiffError } from '../../../common/errors.ts';
import { queuesOfWorker } from '../../../common/placement.ts';
import type { Store } from '../../../common/store/ports.ts';
import { acceptedJob } from '../jobs.ts';
import type { ArtifactRef, ResultRecord, Task, TaskId } from '../../../common/task.ts';

export interface ScriptedWorkerOptions {
  readonly bus: Bus;
  readonly store: Store;
  readonly name?: string;
  /** Throws to fail the attempt; otherwise the task is committed. */
  readonly script?: (task: Task, attempt: number) => void | Promise<void>;
  /** Check that every input is in the store, as a real worker does by reading it. */
  readonly readsInputs?: boolean;
}

/** Runs until the signal aborts; gives the ids of the tasks that it committed, in order. */
export async function runScriptedWorker(
  options: ScriptedWorkerOptions,
  signal: AbortSignal,
): Promise<TaskId[]> {
  const { bus, store } = options;
  const worker = options.name ?? 'scripted';
  const committed: TaskId[] = [];
  while (!signal.aborted) {
    const delivery = await bus.pull(
      queuesOfWorker(['idm', 'mixer', 'vdm'], acceptedJob().numerics),
      {
        worker,
        waitMs: 1_000,
        signal,
      },
    );
    if (delivery === undefined) continue;
    const { task, attempt } = delivery.message;
    const facts = { taskId: task.id, worker, attempt };
    await bus.report({ kind: 'started', ...facts, slot: 0, stage: task.stage });
    try {
      const whole = await wholeTask(store, delivery.message);
      if (options.readsInputs !== false) await readInputs(store, whole);
      await options.script?.(task, attempt);
      if (delivery.signal.aborted) throw new BivdiffError('cancelled', 'stopped');
      const record = await commit(store, task, worker);
      committed.push(task.id);
      await bus.report({ kind: 'committed', ...facts, result: resultFacts(record) });
    } catch (reason) {
      await delivery.ackConfirmed();
      await bus.report({ kind: 'failed', ...facts, failure: BivdiffError.from(reason).toJSON() });
    }
    await delivery.ack();
  }
  return committed;
}

async function readInputs(store: Store, task: Task): Promise<void> {
  for (const part of Object.values(task.inputs).flat()) {
    const record = await store.getRecord(part.task);
    const lost = { details: { lostTasks: [part.task] } };
    if (record === undefined) throw new BivdiffError('data-loss', 'no record', lost);
    for (const ref of Object.values(record.outputs).flat()) {
      try {
        await store.getArtifact(ref.digest);
      } catch (cause) {
        throw new BivdiffError('data-loss', 'no artifact', { ...lost, cause });
      }
    }
  }
}

async function commit(store: Store, task: Task, worker: string): Promise<ResultRecord> {
  // The id in the bytes makes every task's artifact its own.
  const bytes = Buffer.from(`result of ${task.id}`);
  const digest = await store.putArtifact(bytes);
  const ref: ArtifactRef = { digest, bytes: bytes.length, type: 'application/octet-stream' };
  const outputs = Object.fromEntries(
    ['frames', 'control', 'latents', 'noise', 'metrics', 'file'].map((name) => [name, [ref]]),
  );
  const record: ResultRecord = {
    taskId: task.id,
    stage: task.stage,
    outputs,
    worker,
    numericsClass: task.numericsClass,
    attempt: 1,
    startedAt: '2026-01-01T00:00:00.000Z',
    seconds: 0.001,
    busySeconds: 0,
  };
  await store.putRecord(record);
  return record;
}

/** The digest that `commit` gives to a task's artifact. */
export function scriptedDigest(taskId: TaskId) {
  return digestText(`result of ${taskId}`);
}
