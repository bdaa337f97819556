// Waiting until the server has had what was published.

import type { NatsConnection } from '@nats-io/transport-node';

/** Or until the connection is closed: the client's own flush, if it is under way then, waits for ever (nats-core 3.4.0). */
export async function flushed(connection: NatsConnection): Promise<void> {
  await Promise.race([connection.flush(), connection.closed()]).catch(() => undefined);
}
