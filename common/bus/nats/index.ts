// The bus over NATS JetStream, for any number of processes.

export type { NatsAccess } from './connect.ts';
export { CoordinatorTalk, WorkerTalk } from './farm-talk.ts';
export type { FarmLine } from './farm-talk.ts';
export type { MalformedMessages } from './malformed-messages.ts';
export { openNatsBus } from './nats-bus.ts';
export type { NatsBus, NatsBusOptions } from './nats-bus.ts';
export { NATS_ROLES, permissionsOf } from './permissions.ts';
export type { NatsRole } from './permissions.ts';
export { DRAIN_SUBJECT, STREAM } from './subjects.ts';
