// Messages and short-hands for tests of buses.

import type { Bus, Delivery, TaskMessage } from '../../../../common/bus/ports.ts';
import type { JobId } from '../../../../common/task.ts';
import type { BusHarness } from './bus-harness.ts';
import { taskIdOf, taskOf } from '../results.ts';

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

/** Whether a promise has settled once everything under way has arrived. */
export async function isSettled(
  promise: Promise<unknown>,
  { settle }: Pick<BusHarness, 'settle'>,
): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  await settle();
  return settled;
}
