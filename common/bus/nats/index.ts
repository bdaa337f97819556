// The bus over NATS JetStream, for any number of processes.

export { openNatsBus } from './nats-bus.ts';
export type { NatsAccess, NatsBus, NatsBusOptions } from './nats-bus.ts';
export { NATS_ROLES, permissionsOf } from './permissions.ts';
export type { NatsRole } from './permissions.ts';
export { DRAIN_SUBJECT, STREAM, WORKER_SUBJECT } from './subjects.ts';
