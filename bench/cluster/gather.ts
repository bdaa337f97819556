// How long a mixer waits for the latents of its window, and how fast artifacts come from a coordinator. Servers are a process of their own.
//   sh scripts/with-node.sh bench/cluster/gather.ts

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { credentials } from '@grpc/grpc-js';

import { ArtifactServiceClient } from '../../common/gen/bivdiff/v1/artifact_service.ts';
import type { ReadArtifactResponse } from '../../common/gen/bivdiff/v1/artifact_service.ts';
import { MESSAGE_BYTES_MAX } from '../../common/rpc/message-sizes.ts';
import { openFileStore } from '../../common/store/file/index.ts';
import { openRemoteStore } from '../../common/store/remote/index.ts';
import type { Digest } from '../../common/task.ts';
import { gatherInput } from '../../workers/stages/artifacts.ts';
import { BusyClock } from '../../workers/stages/busy-clock.ts';
import { MadeCache } from '../../workers/peers/made-cache.ts';
import { PeerTensors } from '../../workers/peers/peer-tensors.ts';
import type { GatherPlaces } from './gather-server.ts';

const READY_MS = 60_000;
const WARM_UP = 20;
const SAMPLES = 200;
const ROUNDS = 5;

/** Median milliseconds for the latents of 16 frames at 512x512, made by four workers. */
export interface GatherFigures {
  readonly samples: number;
  /** With records from the store of the column, and latents from it or from peers. */
  readonly fileStoreMs: number;
  readonly fileStoreAndPeersMs: number;
  readonly remoteStoreMs: number;
  readonly remoteStoreAndPeersMs: number;
}

export async function measureGather(): Promise<GatherFigures> {
  return withServers(async (places, folder) => {
    const file = await openFileStore(folder);
    const remote = await openRemoteStore(places.store);
    const tally = { hits: 0, misses: 0, fallbacks: 0 };
    const addressOf = (worker: string): string | undefined => places.peers[worker];
    const peers = new PeerTensors({ made: new MadeCache(0), addressOf, tally });
    const ways = [
      { store: file },
      { store: file, peers },
      { store: remote },
      { store: remote, peers },
    ];
    const times: number[][] = ways.map(() => []);
    // In turn, so that what disturbs the machine disturbs all.
    for (let sample = 0; sample < WARM_UP + SAMPLES; sample += 1) {
      for (const [way, access] of ways.entries()) {
        const begunMs = performance.now();
        await gatherInput({ ...access, codecs: new BusyClock() }, places.parts);
        if (sample >= WARM_UP) times[way]!.push(performance.now() - begunMs);
      }
    }
    peers.close();
    await remote.close();
    await file.close();
    if (tally.misses + tally.fallbacks > 0) console.error('not all came from peers:', tally);
    const [fileStoreMs, fileStoreAndPeersMs, remoteStoreMs, remoteStoreAndPeersMs] =
      times.map(median);
    return {
      samples: SAMPLES,
      fileStoreMs: fileStoreMs!,
      fileStoreAndPeersMs: fileStoreAndPeersMs!,
      remoteStoreMs: remoteStoreMs!,
      remoteStoreAndPeersMs: remoteStoreAndPeersMs!,
    };
  });
}

/** MB/s of one artifact of 256 MiB; medians of rounds in turn. */
export interface ThroughputFigures {
  readonly rounds: number;
  /** The server holds it in memory. */
  readonly inMemory: number;
  /** The server sends it from a checked copy on disk. */
  readonly fromFile: number;
  /** Bare grpc-js, the same messages, from memory, nothing checked. */
  readonly raw: number;
  readonly inMemoryToRaw: number;
  readonly fromFileToRaw: number;
}

export async function measureArtifactThroughput(): Promise<ThroughputFigures> {
  return withServers(async ({ store, raw, large }) => {
    const rates = { inMemory: [] as number[], fromFile: [] as number[], raw: [] as number[] };
    const read = { digest: large };
    for (let round = 0; round < ROUNDS; round += 1) {
      rates.raw.push(await rateOf(raw, { ...read, inMemory: true }));
      rates.inMemory.push(await rateOf(store, { ...read, inMemory: true }));
      rates.fromFile.push(await rateOf(store, { ...read, inMemory: false }));
    }
    const [inMemory, fromFile, bare] = [rates.inMemory, rates.fromFile, rates.raw].map(median);
    return {
      rounds: ROUNDS,
      inMemory: inMemory!,
      fromFile: fromFile!,
      raw: bare!,
      inMemoryToRaw: inMemory! / bare!,
      fromFileToRaw: fromFile! / bare!,
    };
  });
}

/** MB/s of a read by a client that only counts. A new connection each time, for all alike. */
async function rateOf(
  address: string,
  { digest, inMemory }: { readonly digest: Digest; readonly inMemory: boolean },
): Promise<number> {
  const client = new ArtifactServiceClient(address, credentials.createInsecure(), {
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc-node.flow_control_window': 4 << 20,
  });
  const begunMs = performance.now();
  let bytes = 0;
  for await (const message of client.readArtifact({ digest, offset: 0, inMemory })) {
    bytes += (message as ReadArtifactResponse).chunk.length;
  }
  const seconds = (performance.now() - begunMs) / 1000;
  client.close();
  return bytes / 1e6 / seconds;
}

async function withServers<T>(
  work: (places: GatherPlaces, folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-gather-'));
  const child = fork(join(import.meta.dirname, 'gather-server.ts'), [join(folder, 'store')], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  try {
    const signal = AbortSignal.timeout(READY_MS);
    const [places] = (await once(child, 'message', { signal })) as [GatherPlaces];
    return await work(places, join(folder, 'store'));
  } finally {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

if (import.meta.main) {
  const gather = await measureGather();
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  console.log(
    `gather     16 frames: file store ${ms(gather.fileStoreMs)}, with peers ${ms(gather.fileStoreAndPeersMs)}; ` +
      `remote store ${ms(gather.remoteStoreMs)}, with peers ${ms(gather.remoteStoreAndPeersMs)} (medians of ${gather.samples})`,
  );
  const rates = await measureArtifactThroughput();
  console.log(
    `throughput 256 MiB: ${rates.inMemory.toFixed(0)} MB/s from memory, ${rates.fromFile.toFixed(0)} from a file, ` +
      `bare grpc-js ${rates.raw.toFixed(0)}: ${rates.inMemoryToRaw.toFixed(2)} and ${rates.fromFileToRaw.toFixed(2)} of it (medians of ${rates.rounds})`,
  );
}
