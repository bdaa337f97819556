// What tells the messages of a queue apart: a task has one, and one more where a second copy of it was published.

import type { TaskId } from '../task.ts';
import type { TaskMessage } from './ports.ts';

export function messageKey({ task, isCopy }: TaskMessage): string {
  return isCopy === true ? copyKey(task.id) : task.id;
}

/** Of all messages that a task may have. */
export function keysOfTask(taskId: TaskId): readonly string[] {
  return [taskId, copyKey(taskId)];
}

function copyKey(taskId: TaskId): string {
  return `${taskId}-copy`;
}
