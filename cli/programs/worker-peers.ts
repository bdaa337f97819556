// A worker among its peers: it serves what it made, hears where others do and what they have loaded, and gathers from them.

import { hostname } from 'node:os';

import { WORKER_SUBJECT } from '../../common/bus/nats/index.ts';
import type { NatsBus } from '../../common/bus/nats/index.ts';
import type { TaskMessage } from '../../common/bus/ports.ts';
import type { GatherTally, LoadedModels, WorkerStatus } from '../../common/worker-status.ts';
import { MadeCache } from '../../workers/peers/made-cache.ts';
import { PeerBook } from '../../workers/peers/peer-book.ts';
import { startPeerServer } from '../../workers/peers/peer-server.ts';
import { PeerTensors, TLS_SCHEME } from '../../workers/peers/peer-tensors.ts';
import { WarmPeers } from '../../workers/peers/warm-peers.ts';
import type { PeerCredentials } from './security/peer-credentials.ts';

/** A thousand windows of 16 frames at 512x512. */
const MADE_BYTES_MAX = 256 << 20;

export interface WorkerPeers {
  readonly tensors: PeerTensors;
  /** Where others reach it. */
  readonly address: string | undefined;
  readonly tally: GatherTally;
  /** As the worker loop's. */
  costOfLoading(message: TaskMessage): number;
  close(): void;
}

export interface JoinPeersOptions {
  readonly bus: NatsBus;
  /** Of this worker. */
  readonly name: string;
  /** What it has loaded, now. */
  readonly loaded: () => LoadedModels;
  /** HOST:PORT; undefined to serve nothing. */
  readonly serve: string | undefined;
  /** @default in the clear */
  readonly credentials?: PeerCredentials | undefined;
}

/** @throws unavailable — it cannot listen there */
export async function joinPeers(options: JoinPeersOptions): Promise<WorkerPeers> {
  const { bus, name, loaded, serve, credentials } = options;
  const made = new MadeCache(MADE_BYTES_MAX);
  const server =
    serve === undefined ? undefined : await startPeerServer(serve, made, credentials?.server);
  const nowMs = (): number => performance.now();
  const book = new PeerBook({ host: hostname(), nowMs });
  const warm = new WarmPeers({ name, loaded, nowMs });
  const heard = bus.connection.subscribe(WORKER_SUBJECT, {
    callback: (error, msg) => {
      if (error !== null) return;
      const status = msg.json<WorkerStatus>();
      book.note(status);
      warm.note(status);
    },
  });
  const tally: GatherTally = { hits: 0, misses: 0, fallbacks: 0 };
  const addressOf = (worker: string): string | undefined => book.addressOf(worker);
  const tensors = new PeerTensors({ made, addressOf, tally, tls: credentials?.client });
  const scheme = credentials === undefined ? '' : TLS_SCHEME;
  return {
    tensors,
    tally,
    costOfLoading: (message) => warm.costOfLoading(message),
    address: server && scheme + reachableAddress(serve!, server.port),
    close: () => {
      heard.unsubscribe();
      tensors.close();
      server?.close();
    },
  };
}

/** Of one that listens on all addresses of its machine, others know the machine's name. */
function reachableAddress(serve: string, port: number): string {
  const host = serve.slice(0, serve.lastIndexOf(':'));
  return `${['0.0.0.0', '[::]'].includes(host) ? hostname() : host}:${port}`;
}
