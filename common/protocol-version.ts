// Which protocol the programs of a farm speak: over gRPC, in task messages and in workers' beats.

/** Raised when a message between client, coordinator and worker changes so that an older program would misread it. */
export const PROTOCOL_VERSION = 1;
