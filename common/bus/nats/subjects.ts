// The NATS subjects and names that coordinator and workers agree on. Everything lies under one prefix, so that farms
// can share a server and permissions can be given by subject.

import type { TaskId } from '../../task.ts';
import { keysOfTask } from '../message-key.ts';

export const STREAM = 'BIVDIFF_TASKS';

const PREFIX = 'bivdiff';
/** Every task message. */
export const TASK_SUBJECTS = `${PREFIX}.task.>`;
/** Coordinator to workers: a queue was made. Who listened to the tasks themselves would hide from publishers that the stream is gone. */
export const WAKE_SUBJECT = `${PREFIX}.wake`;
/** Workers to coordinator: lists of events, requests that are answered when the coordinator has room. */
export const EVENT_SUBJECT = `${PREFIX}.event`;
/** Workers to whoever looks: step counts. Nobody answers. */
export const PROGRESS_SUBJECT = `${PREFIX}.progress`;
/** Coordinator to all workers: stop these tasks. */
export const CANCEL_SUBJECT = `${PREFIX}.cancel`;
/** Workers to coordinator: I am here, and this is what I do. */
export const WORKER_SUBJECT = `${PREFIX}.worker`;
/** Coordinator to all workers: finish what you run and take no more. */
export const DRAIN_SUBJECT = `${PREFIX}.drain`;

/** One subject per message key, so that a task's messages can be looked up and withdrawn by name. */
export function taskSubject(queue: string, key: string): string {
  return `${PREFIX}.task.${queue}.${key}`;
}

export function queueSubjects(queue: string): string {
  return `${PREFIX}.task.${queue}.*`;
}

/** Any message of a task, whatever its queue is called. Queues have one or two parts. */
export function subjectsOfTask(taskId: TaskId): readonly string[] {
  return keysOfTask(taskId).flatMap((key) => [
    `${PREFIX}.task.*.${key}`,
    `${PREFIX}.task.*.*.${key}`,
  ]);
}

/** Names of consumers may not have dots. */
export function consumerOf(queue: string): string {
  return `queue-${queue.replaceAll('.', '_')}`;
}
