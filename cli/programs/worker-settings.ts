// What `bivdiff worker` was told.

import type { NatsAccess } from '../../common/bus/nats/index.ts';
import type { ChannelSettings } from '../../common/rpc/channel.ts';
import type { Pool } from '../../common/task.ts';
import type { Log } from './log.ts';
import type { PeerCredentials } from './security/peer-credentials.ts';

export interface WorkerSettings {
  readonly name: string;
  readonly nats: string;
  /** Or `grpc://HOST:PORT`, or `grpcs://HOST:PORT`. */
  readonly storeFolder: string;
  /** Models of this machine; what is not in it comes from the store. @default none */
  readonly modelsFolder?: string | undefined;
  /** Where models from the store are kept. */
  readonly cacheFolder: string;
  readonly cacheBytesMax: number;
  /** HOST:PORT where it gives other workers what it made. @default nowhere */
  readonly serve?: string | undefined;
  /** Bytes of files with steps that nobody stores; 0: none is held. */
  readonly heldBytesMax: number;
  /** By which workers serve each other. @default in the clear */
  readonly peerCredentials?: PeerCredentials | undefined;
  readonly pools: readonly Pool[];
  /** Where graphs run: `cpu`, `cuda:1`. */
  readonly device: string;
  /** What models may fill of it. @default most of it */
  readonly memoryBytes?: number | undefined;
  readonly slots: number;
  readonly threadsPerSlot: number;
  /** As `StageRunnerOptions`. */
  readonly checkpointSeconds: number;
  /** What runs may take so long after a drain; then it is handed back to the bus. */
  readonly drainMs: number;
  /** Model sets to load before it takes tasks. */
  readonly preload: readonly string[];
  /** HOST:PORT for probes and metrics. @default none */
  readonly http?: string | undefined;
  /** How it shows itself to the coordinator whose store it uses. */
  readonly access: Omit<ChannelSettings, 'server' | 'origin'>;
  readonly natsAccess: NatsAccess;
  readonly log: Log;
}
