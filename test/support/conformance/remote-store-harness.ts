// A store behind a real gRPC server on loopback, for the conformance suite and for tests that break the line: the server can be
// ended and started again on its port. What is damaged are the files of the store that it serves.

import { Server, ServerCredentials, ServerInterceptingCall } from '@grpc/grpc-js';
import type { Metadata, ServerInterceptor } from '@grpc/grpc-js';

import { ArtifactServiceService } from '../../../common/gen/bivdiff/v1/artifact_service.ts';
import { StoreServiceService } from '../../../common/gen/bivdiff/v1/store_service.ts';
import { MESSAGE_BYTES_MAX } from '../../../common/rpc/message-sizes.ts';
import type { Store, StoreUpkeep } from '../../../common/store/ports.ts';
import { openRemoteStore } from '../../../common/store/remote/index.ts';
import type { RemoteStore, RemoteStoreOptions } from '../../../common/store/remote/index.ts';
import { createArtifactService } from '../../../coordinator/rpc/artifact-service.ts';
import { createStoreService } from '../../../coordinator/rpc/store-service.ts';
import { createFileHarness } from './store/store-harness.ts';
import type { StoreHarness } from './store/store-harness.ts';

/** Serves any store on a port of loopback. */
export class StoreServer {
  /** What each call brought along, by method. */
  readonly seen = new Map<string, Metadata>();
  readonly #store: Store;
  #server: Server | undefined;
  #port = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** On any free port at first, then on the same again. */
  async start(): Promise<void> {
    const server = new Server({
      'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
      'grpc.so_reuseport': 0,
      interceptors: [this.#note],
    });
    server.addService(ArtifactServiceService, createArtifactService(this.#store));
    server.addService(StoreServiceService, createStoreService(this.#store));
    this.#port = await new Promise<number>((resolve, reject) => {
      const credentials = ServerCredentials.createInsecure();
      server.bindAsync(this.address, credentials, (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    this.#server = server;
  }

  readonly #note: ServerInterceptor = ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, pass) => {
            this.seen.set(path.split('/').at(-1) ?? '', metadata);
            pass(metadata);
          },
        });
      },
    });

  /** At once: what is under way is cut off. */
  stop(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }
}

export async function createRemoteHarness(): Promise<StoreHarness> {
  const file = await createFileHarness();
  const server = new StoreServer(file.store);
  await server.start();
  const open = async (): Promise<Store & StoreUpkeep> =>
    withUpkeep(await openRemoteStore(server.address), file.store);
  return {
    store: await open(),
    openAgain: open,
    rewrite: file.rewrite,
    setAge: file.setAge,
    dispose: async () => {
      server.stop();
      await file.store.close();
      await file.dispose();
    },
  };
}

/** Opens a store and gives up soon, so that tests of lasting faults are short. */
export function openImpatient(
  address: string,
  options: RemoteStoreOptions = {},
): Promise<RemoteStore> {
  return openRemoteStore(address, { patienceMs: 1_000, ...options });
}

/** Upkeep is done where the store lies. */
function withUpkeep(store: Store, upkeep: StoreUpkeep): Store & StoreUpkeep {
  return Object.assign(store, {
    usage: () => upkeep.usage(),
    collectGarbage: (options: Parameters<StoreUpkeep['collectGarbage']>[0]) =>
      upkeep.collectGarbage(options),
    verify: (options: Parameters<StoreUpkeep['verify']>[0]) => upkeep.verify(options),
  });
}
