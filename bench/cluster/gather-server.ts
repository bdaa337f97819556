// The other side of the gather bench, a process of its own: a coordinator's store, workers that serve what they made, and a bare
// grpc-js stream of the same messages to compare with.

import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';

import { digestText } from '../../common/digest.ts';
import { ArtifactServiceService } from '../../common/gen/bivdiff/v1/artifact_service.ts';
import { StoreServiceService } from '../../common/gen/bivdiff/v1/store_service.ts';
import { CHUNK_BYTES, MESSAGE_BYTES_MAX } from '../../common/rpc/message-sizes.ts';
import { openFileStore } from '../../common/store/file/index.ts';
import type { Digest, InputPart, TaskId } from '../../common/task.ts';
import { createArtifactService } from '../../coordinator/rpc/artifact-service.ts';
import { createStoreService } from '../../coordinator/rpc/store-service.ts';
import { storeOutput } from '../../workers/stages/artifacts.ts';
import { BusyClock } from '../../workers/stages/busy-clock.ts';
import { MadeCache } from '../../workers/peers/made-cache.ts';
import { startPeerServer } from '../../workers/peers/peer-server.ts';
import { PeerTensors } from '../../workers/peers/peer-tensors.ts';
import { floatTensor } from '../../workers/tensor/tensor.ts';

/** What the other process needs to know. */
export interface GatherPlaces {
  readonly store: string;
  /** By the name of the worker. */
  readonly peers: Readonly<Record<string, string>>;
  /** The latents of a window: each part made by another worker. */
  readonly parts: readonly InputPart[];
  /** Of `LARGE_BYTES`, in the store. */
  readonly large: Digest;
  readonly raw: string;
}

const BATCHES = 4;
const FRAMES_PER_BATCH = 4;
const LATENT = [4, 64, 64];
export const LARGE_BYTES = 256 << 20;

const [, , folder = ''] = process.argv;
const store = await openFileStore(folder);
const peers: Record<string, string> = {};
const parts: InputPart[] = [];
for (let batch = 0; batch < BATCHES; batch += 1) {
  const worker = `worker-${batch}`;
  const made = new MadeCache(256 << 20);
  peers[worker] = `127.0.0.1:${(await startPeerServer('127.0.0.1:0', made.get.bind(made))).port}`;
  parts.push(await makeLatents(worker, made, batch));
}
const bytes = Buffer.alloc(LARGE_BYTES);
for (let i = 0; i < LARGE_BYTES; i += 4) bytes.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, i);
const large = await store.putArtifact(bytes);
const served = await serve((server) => {
  server.addService(ArtifactServiceService, createArtifactService(store));
  server.addService(StoreServiceService, createStoreService(store));
});
const raw = await serve((server) => {
  server.addService(ArtifactServiceService, rawService());
});
const places: GatherPlaces = { store: served, peers, parts, large, raw };
process.send?.(places);
process.on('disconnect', () => process.exit());

async function makeLatents(worker: string, made: MadeCache, batch: number): Promise<InputPart> {
  const shape = [FRAMES_PER_BATCH, ...LATENT];
  const size = shape.reduce((product, extent) => product * extent, 1);
  const data = Float32Array.from({ length: size }, (_, i) => batch + i / size);
  const tally = { hits: 0, misses: 0, fallbacks: 0 };
  const tensors = new PeerTensors({ made, addressOf: () => undefined, tally });
  const access = { store, peers: tensors, codecs: new BusyClock() };
  const outputs = { latents: await storeOutput(access, floatTensor(shape, data)) };
  const taskId = digestText(worker) as string as TaskId;
  await store.putRecord({
    ...{ taskId, stage: 'encode', outputs, worker, numericsClass: 'bench', attempt: 1 },
    ...{ startedAt: new Date().toISOString(), seconds: 1, busySeconds: 1 },
  });
  return { task: taskId, output: 'latents', offset: 0, count: FRAMES_PER_BATCH };
}

async function serve(add: (server: Server) => void): Promise<string> {
  const server = new Server({ 'grpc.max_receive_message_length': MESSAGE_BYTES_MAX });
  add(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return `127.0.0.1:${port}`;
}

/** The least that a server of these messages can do: from memory, as fast as the reader takes them. */
function rawService(): UntypedServiceImplementation {
  const none = (): void => undefined;
  return {
    hasArtifact: none,
    writeArtifact: none,
    readArtifact: (call: {
      write(message: unknown): boolean;
      end(): void;
      once(event: 'drain', listener: () => void): void;
    }) => {
      let start = 0;
      const send = (): void => {
        while (start < bytes.length) {
          const chunk = bytes.subarray(start, start + CHUNK_BYTES);
          start += chunk.length;
          if (call.write({ chunk })) continue;
          call.once('drain', send);
          return;
        }
        call.end();
      };
      send();
    },
  };
}
