// Goal: who reads slowly, or not at all, costs the coordinator a bounded amount of memory, and no disk. Method: the real server and real
// calls over gRPC that are paused; what was taken from the store, and what the heap holds, are looked at meanwhile.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { credentials, ServerCredentials } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { digestBytes } from '../../../../common/digest.ts';
import { ArtifactServiceClient } from '../../../../common/gen/bivdiff/v1/artifact_service.ts';
import { RenderServiceClient } from '../../../../common/gen/bivdiff/v1/render_service.ts';
import { DEFAULT_LIMITS } from '../../../../common/rpc/farm-limits.ts';
import { openFileStore } from '../../../../common/store/file/index.ts';
import type { Store } from '../../../../common/store/ports.ts';
import type { TaskId } from '../../../../common/task.ts';
import { createRpcServer } from '../../../../coordinator/rpc/server.ts';
import { CoordinatorHarness } from '../../../support/farm/coordinator-harness.ts';
import { acceptedJob } from '../../../support/jobs.ts';

const SUBMISSION = { name: 'a job', priority: 50 };
const ARTIFACT = Buffer.alloc(64 << 20, 'frame');

describe('a slow reader', () => {
  let folder = '';
  let store: Store;
  let farm: CoordinatorHarness;
  let address = '';
  let close: () => void;
  /** Bytes that were read of artifacts. */
  let takenBytes = 0;
  /** That were made of artifacts. */
  let copies = 0;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bivdiff-slow-'));
    store = await openFileStore(join(folder, 'store'));
    const streamArtifact: Store['streamArtifact'] = async function* (digest, offset) {
      for await (const piece of store.streamArtifact(digest, offset)) {
        takenBytes += piece.byteLength;
        yield piece;
      }
    };
    const counted = new Proxy(store, {
      get: (target, key) => {
        if (key === 'streamArtifact') return streamArtifact;
        if (key === 'getArtifactFile') copies += 1;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    takenBytes = 0;
    copies = 0;
    farm = new CoordinatorHarness({ store: counted });
    const { coordinator, workers } = farm;
    const { server } = createRpcServer({
      ...{ coordinator, workers, store: counted, pid: 1, drain: () => undefined },
      limits: DEFAULT_LIMITS,
      accept: () => Promise.resolve(acceptedJob()),
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    address = `127.0.0.1:${port}`;
    close = () => {
      server.forceShutdown();
    };
  });
  afterEach(async () => {
    close();
    await farm.close();
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('of an artifact takes as much of it from the store as it reads, and a little more', async () => {
    const digest = await store.putArtifact(ARTIFACT);
    const client = new ArtifactServiceClient(address, credentials.createInsecure());
    const call = client.readArtifact({ digest, offset: 0, inMemory: false });
    const chunks: Uint8Array[] = [];
    await new Promise<void>((resolve) => {
      call.on('data', ({ chunk }: { readonly chunk: Uint8Array }) => {
        chunks.push(chunk);
        if (chunks.length > 1) return;
        call.pause();
        resolve();
      });
    });
    await settled(() => takenBytes);
    expect(takenBytes).toBeGreaterThan(0);
    expect(takenBytes).toBeLessThan(8 << 20);
    expect(copies).toBe(0);
    const ended = new Promise((resolve) => call.once('end', resolve));
    call.resume();
    await ended;
    expect(digestBytes(Buffer.concat(chunks))).toBe(digest);
    client.close();
  });

  it('of a log gets all of it in order where that is not too much', async () => {
    const { jobId } = await farm.coordinator.submit(acceptedJob(), SUBMISSION);
    const { history } = farm.coordinator.logOf(jobId);
    const client = new RenderServiceClient(address, credentials.createInsecure());
    const call = client.watchLog({ id: jobId, follow: true });
    call.on('error', () => undefined);
    const workers: string[] = [];
    await new Promise<void>((resolve) => {
      call.on('data', ({ lines }: { readonly lines: readonly { readonly worker: string }[] }) => {
        workers.push(...lines.map(({ worker }) => worker).filter((worker) => worker !== ''));
        resolve();
      });
    });
    call.pause();
    const all = Array.from({ length: 4_500 }, (_, n) => `worker ${n} ${'w'.repeat(100)}`);
    for (let at = 0; at < all.length; at += 1_500) {
      for (const worker of all.slice(at, at + 1_500)) {
        history.add({ kind: 'begun', taskId: worker as TaskId, stage: 'generate', worker });
      }
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(workers.length).toBeLessThan(all.length);
    call.resume();
    await expect.poll(() => workers.length).toBe(all.length);
    expect(workers).toEqual(all);
    call.cancel();
    client.close();
  });

  it('of a log is told to come again once a MiB is unsent, of which no more is kept', async () => {
    const { jobId } = await farm.coordinator.submit(acceptedJob(), SUBMISSION);
    const { history } = farm.coordinator.logOf(jobId);
    const client = new RenderServiceClient(address, credentials.createInsecure());
    const call = client.watchLog({ id: jobId, follow: true });
    const failed = new Promise<ServiceError>((resolve) => {
      call.on('error', (reason) => resolve(reason as ServiceError));
    });
    let lines = 0;
    await new Promise<void>((resolve) => {
      call.on('data', (message: { readonly lines: readonly unknown[] }) => {
        lines += message.lines.length;
        resolve();
      });
    });
    call.pause();
    const beforeBytes = heapBytes();
    const add = async (events: number): Promise<void> => {
      for (let n = 0; n < events; n += 1) {
        const worker = `worker ${n} ${'w'.repeat(100)}`;
        history.add({ kind: 'begun', taskId: `${n}` as TaskId, stage: 'generate', worker });
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    };
    // So much that it is sent in part, and waits for the reader.
    await add(15_000);
    await add(400_000);
    // The last 2,000 events are the job's own.
    expect(heapBytes() - beforeBytes).toBeLessThan(32 << 20);
    call.resume();
    expect((await failed).details).toBe('this reader of a log is too slow');
    expect(lines).toBeLessThan(100_000);
    client.close();
  });
});

/** Waits until it has not changed for a while. */
async function settled(read: () => number): Promise<void> {
  for (let before = -1; before !== read();) {
    before = read();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** After everything that nobody holds is gone. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}
