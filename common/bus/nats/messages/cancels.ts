// Cancels as bytes.

import { CancelTasks } from '../../../gen/bivdiff/v1/farm_bus.ts';
import type { JobId, TaskId } from '../../../task.ts';
import type { CancelMessage } from '../../ports.ts';
import { bytesOfId, idOfBytes } from './ids.ts';

/** In one message: 34 kB. A job has about twice as many out as the farm has slots. */
const TASKS_MAX = 1_000;

/** As many as it takes. */
export function encodeCancels({ jobId, taskIds }: CancelMessage): readonly Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let from = 0; from < taskIds.length; from += TASKS_MAX) {
    const ids = taskIds.slice(from, from + TASKS_MAX).map(bytesOfId);
    messages.push(CancelTasks.encode({ jobId, taskIds: ids }).finish());
  }
  return messages;
}

/** @throws invalid-argument, or the decoder's own error — it is no cancel */
export function decodeCancel(bytes: Uint8Array): CancelMessage {
  const { jobId, taskIds } = CancelTasks.decode(bytes);
  return {
    jobId: jobId as JobId,
    taskIds: taskIds.map((id) => idOfBytes<TaskId>(id, 'a task id')),
  };
}
