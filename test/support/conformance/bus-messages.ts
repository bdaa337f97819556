// Messages and short-hands for tests of buses.

import type { Bus, Delivery, TaskMessage } from '../../../common/bus/ports.ts';
import type { JobId } from '../../../common/task.ts';
import { taskIdOf, taskOf } from './results.ts';

export const JOB = 'job' as JobId;

export function messageOf(label: string): TaskMessage {
  return { task: taskOf(label), attempt: 1, excludedWorkers: [] };
}

/** What is there now, without waiting. */
export async function pullNow(
  bus: Bus,
  queues: readonly string[] = ['q'],
  worker = 'w',
): Promise<Delivery | undefined> {
  return bus.pull(queues, { worker, waitMs: 0 });
}

export function labelOf(delivery: Delivery | undefined, labels: readonly string[]): string {
  const id = delivery?.message.task.id;
  return labels.find((label) => taskIdOf(label) === id) ?? 'none';
}

/** Whether a promise has settled by now. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}
