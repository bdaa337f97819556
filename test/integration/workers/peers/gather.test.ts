// Latents from the workers that made them: real servers, real sockets, and every way in which a peer can let one down. Whatever it does,
// what is gathered is right, from the store if need be.

import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { once } from 'node:events';

import { Server as GrpcServer, ServerCredentials, status } from '@grpc/grpc-js';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { openPeerCredentials } from '../../../../cli/programs/security/peer-credentials.ts';
import { digestBytes, digestText } from '../../../../common/digest.ts';
import { ArtifactServiceService } from '../../../../common/gen/bivdiff/v1/artifact_service.ts';
import type {
  ReadArtifactRequest,
  ReadArtifactResponse,
} from '../../../../common/gen/bivdiff/v1/artifact_service.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import type { MemoryFile, MemoryStore } from '../../../../common/store/memory/index.ts';
import type { ArtifactRef, Digest, InputPart, TaskId } from '../../../../common/task.ts';
import type { GatherTally } from '../../../../common/worker-status.ts';
import { gatherInput, storeOutput } from '../../../../workers/stages/artifacts.ts';
import { BusyClock } from '../../../../workers/stages/busy-clock.ts';
import { MadeCache } from '../../../../workers/peers/made-cache.ts';
import { startPeerServer } from '../../../../workers/peers/peer-server.ts';
import type { PeerServer } from '../../../../workers/peers/peer-server.ts';
import { PeerTensors } from '../../../../workers/peers/peer-tensors.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';
import { makeCertificates } from '../../../support/network/certificates.ts';
import type { Certificates } from '../../../support/network/certificates.ts';
import { flipBit } from '../../../support/conformance/store/use-store.ts';

type ReadCall = ServerWritableStream<ReadArtifactRequest, ReadArtifactResponse>;

/** Latents of 4 frames at 512x512. */
const SHAPE = [4, 4, 64, 64];
const ELEMENTS = 4 * 4 * 64 * 64;
const SLOW_MS = 500;
/** What a loaded machine may add to a wait. */
const GRACE_MS = 2_000;

let files: Map<string, MemoryFile>;
let store: MemoryStore;
let servers: { close(): unknown }[];
let addresses: Map<string, string>;
let tally: GatherTally;
let reader: PeerTensors;

beforeEach(() => {
  files = new Map();
  store = createMemoryStore({ files });
  servers = [];
  addresses = new Map();
  tally = { hits: 0, misses: 0, fallbacks: 0 };
  reader = peerOf(new MadeCache(64 << 20));
});

afterEach(() => {
  reader.close();
  for (const server of servers) server.close();
});

function peerOf(made: MadeCache): PeerTensors {
  return new PeerTensors({ made, addressOf: (worker) => addresses.get(worker), tally });
}

async function serve(name: string, made: Pick<MadeCache, 'get'>): Promise<PeerServer> {
  const server = await startPeerServer('127.0.0.1:0', made.get.bind(made));
  servers.push(server);
  addresses.set(name, `127.0.0.1:${server.port}`);
  return server;
}

/** A peer that answers as no worker should. */
async function serveScript(name: string, answer: (call: ReadCall) => void): Promise<void> {
  const server = new GrpcServer();
  const no = (): void => undefined;
  const service = { hasArtifact: no, writeArtifact: no, readArtifact: answer };
  server.addService(ArtifactServiceService, service);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  servers.push({ close: () => server.forceShutdown() });
  addresses.set(name, `127.0.0.1:${port}`);
}

/** A worker that has made latents, told apart by `seed`; gives the part to gather. */
async function make(
  worker: string,
  seed: number,
  made = new MadeCache(64 << 20),
): Promise<InputPart> {
  const data = Float32Array.from({ length: ELEMENTS }, (_, i) => Math.fround(seed + i / ELEMENTS));
  const maker = new PeerTensors({ made, addressOf: () => undefined, tally });
  const access = { store, peers: maker, codecs: new BusyClock() };
  const outputs = { latents: await storeOutput(access, floatTensor(SHAPE, data)) };
  const taskId = digestText(`${worker} ${seed}`) as string as TaskId;
  await store.putRecord({
    ...{ taskId, stage: 'encode', outputs, worker, numericsClass: 'test', attempt: 1 },
    ...{ startedAt: '2026-01-01T00:00:00.000Z', seconds: 1, busySeconds: 1 },
  });
  return { task: taskId, output: 'latents', offset: 0, count: 4 };
}

async function artifactOf(part: InputPart): Promise<ArtifactRef> {
  return (await store.getRecord(part.task))!.outputs['latents']![0]!;
}

/** Gathers the parts, and checks every number of them. */
async function gather(parts: readonly InputPart[], seeds: readonly number[]): Promise<void> {
  const access = { store, peers: reader, codecs: new BusyClock() };
  const tensor = await gatherInput(access, parts);
  expect(tensor.shape).toEqual([4 * parts.length, ...SHAPE.slice(1)]);
  const expected = seeds.flatMap((seed) =>
    Array.from({ length: ELEMENTS }, (_, i) => Math.fround(seed + i / ELEMENTS)),
  );
  expect(digestBytes(new Uint8Array(tensor.data.buffer as ArrayBuffer))).toBe(
    digestBytes(new Uint8Array(Float32Array.from(expected).buffer)),
  );
}

/** Gone from the store, so that nothing but a peer can give it. */
async function loseFromStore(parts: readonly InputPart[]): Promise<void> {
  for (const part of parts) files.delete(`artifacts/${(await artifactOf(part)).digest}`);
}

describe('latents', () => {
  it('come from those that made them, not from the store', async () => {
    const [one, other] = [new MadeCache(64 << 20), new MadeCache(64 << 20)];
    const parts = [await make('w1', 1, one), await make('w2', 2, other), await make('w1', 3, one)];
    await serve('w1', one);
    await serve('w2', other);
    await loseFromStore(parts);
    await gather(parts, [1, 2, 3]);
    expect(tally).toEqual({ hits: 3, misses: 0, fallbacks: 0 });
  });

  it('that are its own come from its own memory', async () => {
    const made = new MadeCache(64 << 20);
    reader = peerOf(made);
    const parts = [await make('me', 1, made)];
    await loseFromStore(parts);
    await gather(parts, [1]);
    expect(tally).toEqual({ hits: 1, misses: 0, fallbacks: 0 });
  });

  it('come in chunks, of any size', async () => {
    const bytes = new Uint8Array(40 << 20).map((_, i) => i % 251);
    const digest = digestBytes(bytes);
    await serve('w1', { get: () => bytes });
    const ref: ArtifactRef = { digest, bytes: bytes.length, type: 'tensor/float32' };
    expect(digestBytes((await reader.read(ref, 'w1'))!)).toBe(digest);
    const empty = { ...ref, digest: digestText(''), bytes: 0 };
    await serve('w2', { get: () => new Uint8Array() });
    expect(await reader.read(empty, 'w2')).toEqual(new Uint8Array());
  });

  it('come from the store where the one that made them serves nothing or has them no longer', async () => {
    const parts = [await make('silent', 1), await make('w2', 2)];
    await serve('w2', new MadeCache(1));
    await gather(parts, [1, 2]);
    expect(tally).toEqual({ hits: 0, misses: 2, fallbacks: 0 });
  });
});

describe('by mutual TLS', () => {
  let certificates: Certificates;
  let made: MadeCache;
  let parts: InputPart[];
  beforeAll(async () => {
    certificates = await makeCertificates();
  });
  afterAll(() => certificates.remove());
  beforeEach(async () => {
    made = new MadeCache(64 << 20);
    parts = [await make('w1', 1, made)];
    const { server: credentials } = await openPeerCredentials({
      ca: certificates.ca,
      ...certificates.server,
    });
    const server = await startPeerServer('127.0.0.1:0', made.get.bind(made), { credentials });
    servers.push(server);
    addresses.set('w1', `grpcs://127.0.0.1:${server.port}`);
  });
  const readerWith = async (tls: Parameters<typeof openPeerCredentials>[0]): Promise<void> => {
    const { client } = await openPeerCredentials(tls);
    const addressOf = (worker: string): string | undefined => addresses.get(worker);
    reader = new PeerTensors({ made: new MadeCache(0), addressOf, tally, tls: client });
  };

  it('latents come from a worker with a certificate of the same authority', async () => {
    await readerWith({ ca: certificates.ca, ...certificates.client });
    await loseFromStore(parts);
    await gather(parts, [1]);
    expect(tally).toEqual({ hits: 1, misses: 0, fallbacks: 0 });
  });

  it('nobody whom another authority signed gets any', async () => {
    await readerWith({ ca: certificates.ca, ...certificates.strangerClient });
    await gather(parts, [1]);
    expect(tally).toEqual({ hits: 0, misses: 0, fallbacks: 1 });
  });

  it('nobody takes any from whom another authority signed', async () => {
    await readerWith({ ca: certificates.strangerCa, ...certificates.client });
    await gather(parts, [1]);
    expect(tally).toEqual({ hits: 0, misses: 0, fallbacks: 1 });
  });

  it('is not asked by a worker without certificates', async () => {
    await gather(parts, [1]);
    expect(tally).toEqual({ hits: 0, misses: 1, fallbacks: 0 });
  });

  it('a worker that lacks a file says which it needs', async () => {
    await expect(openPeerCredentials({ ca: certificates.ca })).rejects.toThrow(
      '--serve-tls needs --tls-ca, --tls-cert and --tls-key',
    );
  });
});

describe('a peer that', () => {
  it('is gone costs nothing but the store', async () => {
    const made = new MadeCache(64 << 20);
    const parts = [await make('w1', 1, made)];
    (await serve('w1', made)).close();
    await gather(parts, [1]);
    expect(tally).toEqual({ hits: 0, misses: 0, fallbacks: 1 });
  });

  it.each<[string, (call: ReadCall) => void, number]>([
    ['breaks off', (call) => call.destroy(new Error('broken')), 0],
    ['says that it fails', (call) => call.emit('error', { code: status.INTERNAL }), 0],
    ['gets stuck', () => undefined, SLOW_MS],
  ])('%s in the middle is left for the store', async (_, then, waitMs) => {
    const parts = [await make('w1', 1)];
    await serveScript('w1', (call) => {
      call.write({ chunk: new Uint8Array(100) }, () => {
        then(call);
      });
    });
    const begunMs = performance.now();
    await gather(parts, [1]);
    const tookMs = performance.now() - begunMs;
    expect(tookMs).toBeGreaterThan(waitMs - 50);
    expect(tookMs).toBeLessThan(waitMs + GRACE_MS);
    expect(tally).toEqual({ hits: 0, misses: 0, fallbacks: 1 });
  });

  it('takes the call and never answers is given up after 500 ms, and not asked again at once', async () => {
    const parts = [await make('w1', 1)];
    const mute: Server = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    servers.push(mute);
    addresses.set('w1', `127.0.0.1:${(mute.address() as AddressInfo).port}`);
    const begunMs = performance.now();
    await gather(parts, [1]);
    const tookMs = performance.now() - begunMs;
    expect(tookMs).toBeGreaterThan(SLOW_MS - 50);
    expect(tookMs).toBeLessThan(SLOW_MS + GRACE_MS);
    expect(tally).toEqual({ hits: 0, misses: 0, fallbacks: 1 });
    const againMs = performance.now();
    await gather(parts, [1]);
    expect(performance.now() - againMs).toBeLessThan(SLOW_MS - 50);
    expect(tally).toEqual({ hits: 0, misses: 1, fallbacks: 1 });
  });

  it.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['sends other bytes', flipBit(1_000)],
    ['sends too few', (bytes) => bytes.subarray(0, -1)],
    ['sends too many', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
    ['sends nothing', () => new Uint8Array()],
  ])('%s is found out', async (_, change) => {
    const made = new MadeCache(64 << 20);
    const parts = [await make('w1', 1, made)];
    await serve('w1', { get: (digest: Digest) => change(made.get(digest)!) });
    await gather(parts, [1]);
    expect(tally).toEqual({ hits: 0, misses: 0, fallbacks: 1 });
  });

  it('is gone like the bytes in the store makes an error that names the task', async () => {
    const parts = [await make('w1', 1)];
    await loseFromStore(parts);
    const access = { store, peers: reader, codecs: new BusyClock() };
    await expect(gatherInput(access, parts)).rejects.toMatchObject({
      code: 'data-loss',
      details: { lostTasks: [parts[0]!.task] },
    });
  });
});
