// The NATS subjects and names that coordinator and workers agree on. Everything lies under one prefix, so that farms
// can share a server and permissions can be given by subject. What programs of one version say to each other has the version in its
// name: nobody is ever sent what it cannot read.

import { digestText } from '../../digest.ts';
import { PROTOCOL_VERSION } from '../../protocol-version.ts';
import type { TaskId } from '../../task.ts';
import { keysOfTask } from '../message-key.ts';

export const STREAM = `BIVDIFF_TASKS_V${PROTOCOL_VERSION}`;

const PREFIX = 'bivdiff';
const VERSION_PREFIX = `${PREFIX}.v${PROTOCOL_VERSION}`;
/** Every task message. */
export const TASK_SUBJECTS = `${VERSION_PREFIX}.task.>`;
/** Coordinator to workers: a queue was made. Who listened to the tasks themselves would hide from publishers that the stream is gone. */
export const WAKE_SUBJECT = `${VERSION_PREFIX}.wake`;
/** Workers to coordinator: lists of events, requests that are answered when the coordinator has room. */
export const EVENT_SUBJECT = `${VERSION_PREFIX}.event`;
/** Workers to whoever looks: step counts. Nobody answers. */
export const PROGRESS_SUBJECT = `${VERSION_PREFIX}.progress`;
/** Coordinator to all workers: stop these tasks. */
export const CANCEL_SUBJECT = `${VERSION_PREFIX}.cancel`;
/** Workers to coordinator, a request: where does another worker serve what it made. */
export const ADDRESS_SUBJECT = `${VERSION_PREFIX}.address`;
/** Workers to coordinator, a request: what would loading a task's models cost that others have loaded. */
export const LOADING_SUBJECT = `${VERSION_PREFIX}.loading`;
/** Workers to coordinator, of every version: I am here, and this is what I do. */
export const WORKER_SUBJECT = `${PREFIX}.worker`;
/** Coordinator to all workers, of every version: the one of this name shall finish what it runs and take no more. */
export const DRAIN_SUBJECT = `${PREFIX}.drain`;
/** Coordinator to all workers: the one of this name shall take no tasks for a while, if it has none now. */
export const REST_SUBJECT = `${VERSION_PREFIX}.rest`;
/** Coordinator to workers of other versions: it gives them no tasks. */
export const VERSION_SUBJECT = `${PREFIX}.version`;

/** Coordinator to each worker, on a subject of its own: what of it that it holds nobody needs. */
export const DROP_SUBJECTS = `${VERSION_PREFIX}.drop.*`;

/** Names may have what no subject may. */
export function dropSubject(worker: string): string {
  return `${VERSION_PREFIX}.drop.${digestText(worker)}`;
}

/** One subject per message key, so that a task's messages can be looked up and withdrawn by name. */
export function taskSubject(queue: string, key: string): string {
  return `${VERSION_PREFIX}.task.${queue}.${key}`;
}

export function queueSubjects(queue: string): string {
  return `${VERSION_PREFIX}.task.${queue}.*`;
}

/** The task of a message of this subject; undefined if it is no task's. */
export function taskOfSubject(subject: string): TaskId | undefined {
  return /\.([0-9a-f]{64})(-copy)?$/.exec(subject)?.[1] as TaskId | undefined;
}

/** Any message of a task, whatever its queue is called. Queues have one or two parts. */
export function subjectsOfTask(taskId: TaskId): readonly string[] {
  return keysOfTask(taskId).flatMap((key) => [
    `${VERSION_PREFIX}.task.*.${key}`,
    `${VERSION_PREFIX}.task.*.*.${key}`,
  ]);
}

/** Names of consumers may not have dots. */
export function consumerOf(queue: string): string {
  return `queue-${queue.replaceAll('.', '_')}`;
}

/** What a queue may be called. */
export function isQueueName(text: string): boolean {
  return /^[\w-]{1,100}(\.[\w-]{1,100})?$/.test(text);
}
