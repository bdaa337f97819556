// Goal: what an owner uploads is bounded in all, also over a restart and by many uploads at once, and what is collected counts no more.
// Method: a real server with small limits, real clients; half uploads by raw calls.

import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { credentials, Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';

import type { FarmClient } from '../../../../cli/farm/farm-client.ts';
import { digestBytes } from '../../../../common/digest.ts';
import { ArtifactServiceClient } from '../../../../common/gen/bivdiff/v1/artifact_service.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import { UploadQuota } from '../../../../coordinator/rpc/access/upload-quota.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';
import { GuardedFarm } from '../../../support/farm/guarded-farm.ts';

const BEARERS = {
  alice: { owner: 'alice', roles: ['submit'] },
  bob: { owner: 'bob', roles: ['submit'] },
  olga: { owner: 'olga', roles: ['operate'] },
} as const;

const bytesOf = (n: number, length: number): Buffer => Buffer.alloc(length, `upload ${n} `);

let farm: GuardedFarm | undefined;
afterEach(async () => {
  await farm?.close();
  farm = undefined;
});

/** On a busy machine. */
const POLL_MS = 30_000;

describe('uploads of one owner', () => {
  it('are bounded in all; the same bytes count once, and others have their own', async () => {
    farm = await GuardedFarm.start({ bearers: BEARERS, limits: { ownerBytes: 10_000 } });
    const alice = await farm.client('alice');
    await alice.putArtifact(bytesOf(1, 4_000));
    await alice.putArtifact(bytesOf(2, 4_000));
    const error = await failureOf(alice.putArtifact(bytesOf(3, 4_000)), 'resource-exhausted');
    expect(error.message).toBe('alice would have more than 10000 bytes of uploads in the store');
    expect(error.hint).toContain('ownerBytes');
    expect(await farm.store.hasArtifact(digestBytes(bytesOf(3, 4_000)))).toBe(false);
    await alice.putArtifact(bytesOf(1, 4_000));
    await alice.putArtifact(bytesOf(4, 2_000));
    await (await farm.client('bob')).putArtifact(bytesOf(3, 4_000));
    await (await farm.client('olga')).putArtifact(bytesOf(5, 40_000));
  });

  it('count while they are on their way, also those that need a file, until they end', async () => {
    const MiB = 1 << 20;
    farm = await GuardedFarm.start({
      ...{ bearers: BEARERS, limits: { ownerBytes: 6 * MiB, transfers: 3 } },
    });
    const half = await halfUpload(farm, 4 * MiB);
    const outcome = async (): Promise<status | undefined> => outcomeOf(farm!, 3 * MiB);
    // Its pieces come when they come.
    await expect.poll(outcome, { timeout: POLL_MS }).toBe(status.RESOURCE_EXHAUSTED);
    half.cancel();
    await expect.poll(outcome, { timeout: POLL_MS }).toBe(status.UNAVAILABLE);
    const alice = await farm.client('alice');
    await alice.putArtifact(bytesOf(1, 3 * MiB));
    await failureOf(alice.putArtifact(bytesOf(2, 3 * MiB + 1)), 'resource-exhausted');
    await alice.putArtifact(bytesOf(2, 3 * MiB));
  });

  it('are so many at once, with downloads', async () => {
    farm = await GuardedFarm.start({ bearers: BEARERS, limits: { transfers: 2 } });
    const alice: FarmClient = await farm.client('alice');
    const digest = await alice.putArtifact(bytesOf(1, 10));
    const halves = [await halfUpload(farm, 10), await halfUpload(farm, 10)];
    await expect
      .poll(
        () =>
          alice.putArtifact(bytesOf(2, 10)).catch((reason: unknown) => (reason as Error).message),
        { timeout: POLL_MS },
      )
      .toBe('2 uploads and downloads are open already');
    await (await farm.client('bob')).putArtifact(bytesOf(1, 10));
    for (const { cancel } of halves) cancel();
    const path = join(tmpdir(), `bivdiff-quota-${process.pid}`);
    await expect
      .poll(
        () =>
          alice.getArtifactFile(digest, path).then(
            () => true,
            () => false,
          ),
        { timeout: POLL_MS },
      )
      .toBe(true);
    await rm(path);
  });
});

describe('a quota', () => {
  it('knows after a restart what was brought, and forgets what was collected', async () => {
    const store = createMemoryStore();
    let nowMs = 0;
    const put = async (n: number, isThere: boolean): Promise<void> => {
      const bytes = bytesOf(n, 100);
      if (isThere) await store.putArtifact(bytes);
      const name = { kind: 'upload', id: `alice/${digestBytes(bytes)}` } as const;
      await store.putDocument(name, Buffer.from(JSON.stringify({ atMs: 1, bytes: 100 })));
    };
    await put(1, true);
    await put(2, true);
    const quota = new UploadQuota({ store, bytesMax: 300, nowMs: () => nowMs });
    const upload = await quota.begin('alice');
    await upload.take(100);
    await expect(upload.take(1)).rejects.toMatchObject({ code: 'resource-exhausted' });
    upload.end(false);
    await put(3, false);
    const again = new UploadQuota({ store, bytesMax: 300, nowMs: () => nowMs });
    const second = await again.begin('alice');
    // It looks, and finds that the third is gone.
    await second.take(100);
    expect(await store.listDocuments('upload')).toHaveLength(2);
    // It has just looked.
    await expect(second.take(1)).rejects.toMatchObject({ code: 'resource-exhausted' });
    nowMs += 60_000;
    second.end(true);
    const third = await again.begin('alice');
    await third.take(100);
    await expect(third.take(1)).rejects.toMatchObject({ code: 'resource-exhausted' });
  });
});

/** An upload of the wrong bytes, whose end does not come. */
async function halfUpload(
  on: GuardedFarm,
  length: number,
  done: (error: ServiceError | null) => void = () => undefined,
): Promise<{ cancel: () => void; end: () => void }> {
  const client = new ArtifactServiceClient(on.address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${on.tokens.get('alice')!}`);
  const call = client.writeArtifact(metadata, done);
  call.on('error', () => undefined);
  for (let at = 0; at < length; at += 256 << 10) {
    const chunk = Buffer.alloc(Math.min(256 << 10, length - at), 'half');
    call.write({ digest: at === 0 ? '0'.repeat(64) : '', chunk });
  }
  const cancel = (): void => {
    call.cancel();
    client.close();
  };
  return { cancel, end: () => call.end() };
}

/** What is said of wrong bytes: that they are wrong, unless they are too many. */
async function outcomeOf(on: GuardedFarm, length: number): Promise<status | undefined> {
  const outcome = Promise.withResolvers<status | undefined>();
  const upload = await halfUpload(on, length, (error) => outcome.resolve(error?.code));
  upload.end();
  return outcome.promise.finally(upload.cancel);
}
