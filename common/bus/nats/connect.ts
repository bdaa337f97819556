// A connection to a NATS server, as all programs of a farm make it.

import { jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';

import { natsFailure } from './nats-errors.ts';
import { inboxOf } from './permissions.ts';

/** A server that does not like our certificate may say nothing at all. */
const CONNECT_MS = 10_000;
/** Answers of the server to management requests. */
export const REQUEST_MS = 5_000;

/** Who this program is at the server, and whom it trusts to be the server. */
export interface NatsAccess {
  readonly user?: string;
  readonly password?: string;
  /** Texts in PEM; any of them means TLS. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

export interface NatsPlace extends NatsAccess {
  /** Such as `nats://127.0.0.1:4222`. */
  readonly servers: readonly string[];
  /** Shown in the server's list of connections. */
  readonly name: string;
}

export interface NatsClients {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
}

/** @throws unavailable — no server there; unauthenticated — it does not know this user */
export async function connectToNats(place: NatsPlace): Promise<NatsClients> {
  const { user, password, tls } = place;
  try {
    const connection = await connect({
      servers: [...place.servers],
      name: place.name,
      // A server that comes back is found again, however long it takes.
      maxReconnectAttempts: -1,
      // A server may come back with other users, and be put right again.
      ignoreAuthErrorAbort: true,
      timeout: CONNECT_MS,
      reconnectTimeWait: 250,
      reconnectJitter: 100,
      pingInterval: 2_000,
      maxPingOut: 2,
      // A stack trace made for each request in case it fails costs more than the request.
      noAsyncTraces: true,
      // Answers to one user are no affair of the others.
      ...(user === undefined ? {} : { user, inboxPrefix: inboxOf(user) }),
      ...(password === undefined ? {} : { pass: password }),
      ...(tls === undefined ? {} : { tls: { ...tls } }),
    });
    const manager = await jetstreamManager(connection, { timeout: REQUEST_MS, checkAPI: false });
    return { connection, manager };
  } catch (reason) {
    throw natsFailure(reason, `connecting to NATS at ${place.servers.join(', ')}`);
  }
}
