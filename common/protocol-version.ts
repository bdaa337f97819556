// Which protocol the programs of a farm speak: over gRPC, in the subjects of their messages on NATS, and in workers' beats.

/**
 * Raised when a message between client, coordinator and worker changes so that an older program would misread it.
 * 2: messages on NATS are proto, and ask the coordinator what workers heard of each other's beats.
 */
export const PROTOCOL_VERSION = 2;
