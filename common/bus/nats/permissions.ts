// What each program of a farm needs of the NATS server, and nothing more. Whoever is added to subjects.ts or calls another part of
// JetStream's interface has to be let through here.

import {
  ADDRESS_SUBJECT,
  CANCEL_SUBJECT,
  DRAIN_SUBJECT,
  DROP_SUBJECTS,
  EVENT_SUBJECT,
  LOADING_SUBJECT,
  PROGRESS_SUBJECT,
  REST_SUBJECT,
  STREAM,
  TASK_SUBJECTS,
  VERSION_SUBJECT,
  WAKE_SUBJECT,
  WORKER_SUBJECT,
} from './subjects.ts';

/**
 * - `coordinator`: makes the stream and its consumers, publishes tasks, tells workers what to do
 * - `worker`: takes tasks, acknowledges them, reports
 * - `observer`: listens to what the others say, and asks how deep the queues are
 */
export const NATS_ROLES = ['coordinator', 'worker', 'observer'] as const;
export type NatsRole = (typeof NATS_ROLES)[number];

export interface NatsPermissions {
  /** Subjects it may publish to. */
  readonly publish: readonly string[];
  /** Subjects it may listen to. */
  readonly subscribe: readonly string[];
  /** It may answer requests that came to it, once each. */
  readonly mayRespond: boolean;
}

const API = '$JS.API';
const CONSUMERS = `${STREAM}.>`;

const PUBLISH: Readonly<Record<NatsRole, readonly string[]>> = {
  coordinator: [
    TASK_SUBJECTS,
    WAKE_SUBJECT,
    CANCEL_SUBJECT,
    DRAIN_SUBJECT,
    REST_SUBJECT,
    DROP_SUBJECTS,
    VERSION_SUBJECT,
    ...['CREATE', 'UPDATE', 'DELETE', 'PURGE', 'INFO', 'MSG.GET'].map(
      (verb) => `${API}.STREAM.${verb}.${STREAM}`,
    ),
    ...['CREATE', 'INFO'].map((verb) => `${API}.CONSUMER.${verb}.${CONSUMERS}`),
    `${API}.CONSUMER.DURABLE.CREATE.${CONSUMERS}`,
  ],
  worker: [
    EVENT_SUBJECT,
    PROGRESS_SUBJECT,
    WORKER_SUBJECT,
    ADDRESS_SUBJECT,
    LOADING_SUBJECT,
    `${API}.CONSUMER.MSG.NEXT.${CONSUMERS}`,
    // The longer form has domain and account before the stream.
    `$JS.ACK.${STREAM}.>`,
    `$JS.ACK.*.*.${STREAM}.>`,
  ],
  observer: [`${API}.STREAM.INFO.${STREAM}`, `${API}.CONSUMER.INFO.${CONSUMERS}`],
};

/** Every bus listens to these two. */
const BY_ALL = [WAKE_SUBJECT, CANCEL_SUBJECT];

const SUBSCRIBE: Readonly<Record<NatsRole, readonly string[]>> = {
  coordinator: [
    ...BY_ALL,
    EVENT_SUBJECT,
    PROGRESS_SUBJECT,
    WORKER_SUBJECT,
    ADDRESS_SUBJECT,
    LOADING_SUBJECT,
  ],
  // Nothing of each other: a thousand workers would hear a thousand.
  worker: [...BY_ALL, DRAIN_SUBJECT, REST_SUBJECT, DROP_SUBJECTS, VERSION_SUBJECT],
  // Not the tasks themselves: a listener would hide from publishers that the stream is gone.
  observer: [...BY_ALL, EVENT_SUBJECT, PROGRESS_SUBJECT, WORKER_SUBJECT, DRAIN_SUBJECT],
};

export function permissionsOf(role: NatsRole, user: string): NatsPermissions {
  return {
    publish: PUBLISH[role],
    subscribe: [...SUBSCRIBE[role], `${inboxOf(user)}.>`],
    // Workers wait until the coordinator has room for what they report, and ask it about each other.
    mayRespond: role === 'coordinator',
  };
}

/** What a user's answers are sent to: its name is part of it, so that no other user may listen. */
export function inboxOf(user: string): string {
  return `_INBOX_${user.replaceAll(/[^A-Za-z0-9_-]/g, '_')}`;
}
