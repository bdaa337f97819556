// A worker among its peers: it serves what it made, asks the coordinator where others do and what they have loaded, and gathers from them.

import { hostname } from 'node:os';

import type { WorkerTalk } from '../../common/bus/nats/index.ts';
import type { TaskMessage } from '../../common/bus/ports.ts';
import type { Digest } from '../../common/task.ts';
import type { GatherTally, LoadedModels } from '../../common/worker-status.ts';
import { HeldResults } from '../../workers/peers/held-results.ts';
import { MadeCache } from '../../workers/peers/made-cache.ts';
import { PeerBook } from '../../workers/peers/peer-book.ts';
import { startPeerServer } from '../../workers/peers/peer-server.ts';
import { TLS_SCHEME } from '../../workers/peers/peer-clients.ts';
import { PeerTensors } from '../../workers/peers/peer-tensors.ts';
import type { PeerCredentials } from './security/peer-credentials.ts';

/** A thousand windows of 16 frames at 512x512. */
const MADE_BYTES_MAX = 256 << 20;
/** Of steps that nobody stores; more of them lie in files. */
const HELD_IN_MEMORY_MAX = 512 << 20;

export interface WorkerPeers {
  readonly tensors: PeerTensors;
  /** Where others reach it. */
  readonly address: string | undefined;
  readonly tally: GatherTally;
  /** As the worker loop's. */
  costOfLoading(message: TaskMessage): Promise<number>;
  close(): Promise<void>;
}

export interface JoinPeersOptions {
  readonly talk: WorkerTalk;
  /** Of this worker. */
  readonly name: string;
  /** What it has loaded, now. */
  readonly loaded: () => LoadedModels;
  /** HOST:PORT; undefined to serve nothing. */
  readonly serve: string | undefined;
  /** What lies in files of steps that nobody stores; 0: none is held. */
  readonly heldBytesMax: number;
  /** @default in the clear */
  readonly credentials?: PeerCredentials | undefined;
}

/** @throws unavailable — it cannot listen there */
export async function joinPeers(options: JoinPeersOptions): Promise<WorkerPeers> {
  const { talk, serve, heldBytesMax, credentials } = options;
  const made = new MadeCache(MADE_BYTES_MAX);
  // Who serves nothing can hold nothing for others.
  const held =
    serve === undefined || heldBytesMax === 0
      ? undefined
      : new HeldResults({ memoryBytesMax: HELD_IN_MEMORY_MAX, diskBytesMax: heldBytesMax });
  talk.onDropHeld((digests) => {
    for (const digest of digests) held?.drop(digest);
  });
  const find = made.get.bind(made);
  const given = { held, credentials: credentials?.server };
  const server = serve === undefined ? undefined : await startPeerServer(serve, find, given);
  const nowMs = (): number => performance.now();
  const ask = talk.addressOf.bind(talk);
  const book = new PeerBook({ host: hostname(), nowMs, ask });
  const tally: GatherTally = { hits: 0, misses: 0, fallbacks: 0 };
  const addressOf = book.addressOf.bind(book);
  const tensors = new PeerTensors({ made, held, addressOf, tally, tls: credentials?.client });
  const scheme = credentials === undefined ? '' : TLS_SCHEME;
  return {
    tensors,
    tally,
    costOfLoading: (message) => costOfLoading(message, options),
    address: server && scheme + reachableAddress(serve!, server.port),
    close: async () => {
      tensors.close();
      server?.close();
      await held?.close();
    },
  };
}

/** Nobody is asked about models that are loaded here. */
async function costOfLoading(
  { task, memoryBytes = 0, excludedWorkers }: TaskMessage,
  { talk, name, loaded }: JoinPeersOptions,
): Promise<number> {
  const own = loaded();
  const models = Object.values(task.models);
  if (models.every((digest) => own[digest] !== undefined)) return 0;
  const { stage, numericsClass } = task;
  return talk.loadingCost({
    ...{ worker: name, stage, numericsClass, memoryBytes, excludedWorkers, models },
    loaded: Object.keys(own) as Digest[],
  });
}

/** Of one that listens on all addresses of its machine, others know the machine's name. */
function reachableAddress(serve: string, port: number): string {
  const host = serve.slice(0, serve.lastIndexOf(':'));
  return `${['0.0.0.0', '[::]'].includes(host) ? hostname() : host}:${port}`;
}
