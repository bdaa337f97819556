// The bus over NATS JetStream, for any number of processes.

export { openNatsBus } from './nats-bus.ts';
export type { NatsBus, NatsBusOptions } from './nats-bus.ts';
export { DRAIN_SUBJECT, STREAM, WORKER_SUBJECT } from './subjects.ts';
