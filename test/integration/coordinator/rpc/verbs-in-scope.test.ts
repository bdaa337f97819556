// Goal: an owner reads the log of their own jobs, lists and fetches their frames, and deletes them; of others nothing. Method: a real
// server and real clients; frames that are written into the store as a worker would.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { FarmClient } from '../../../../cli/farm/farm-client.ts';
import type { Store } from '../../../../common/store/ports.ts';
import type { Digest, JobId } from '../../../../common/task.ts';
import { createPlan } from '../../../../coordinator/domain/plan.ts';
import { readAcceptedJob } from '../../../../coordinator/jobs/finished-frames.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';
import { GuardedFarm, submission } from '../../../support/farm/guarded-farm.ts';
import type { Bearer } from '../../../support/farm/guarded-farm.ts';

const BEARERS = {
  reader: { owner: 'alice', roles: ['read'] },
  alice: { owner: 'alice', roles: ['submit'] },
  bob: { owner: 'bob', roles: ['submit'] },
  operator: { owner: 'olga', roles: ['operate'] },
} as const satisfies Record<string, Bearer>;

let farm: GuardedFarm;
let folder: string;
let alice: FarmClient;
let reader: FarmClient;
let bob: FarmClient;
let operator: FarmClient;
/** Of alice; cancelled, with one frame. */
let id: string;
let frame: Digest;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-scope-'));
  farm = await GuardedFarm.start({ bearers: BEARERS, limits: { watches: 1 } });
  alice = await farm.client('alice');
  reader = await farm.client('reader');
  bob = await farm.client('bob');
  operator = await farm.client('operator');
  const source = await alice.putArtifact(Buffer.from('a clip'));
  ({ id } = await alice.submit(submission(source)));
  await alice.cancel(id);
  frame = await putFrame(farm.store, id as JobId);
});
afterEach(async () => {
  await farm.close();
  await rm(folder, { recursive: true, force: true });
});

describe('an owner', () => {
  it('gives jobs no higher priority than the token allows', async () => {
    const source = await bob.putArtifact(Buffer.from('a clip'));
    await failureOf(bob.submit({ ...submission(source), priority: 51 }), 'permission-denied');
    await failureOf(alice.setPriority(id, 100), 'permission-denied');
    expect((await alice.setPriority(id, 50)).priority).toBe(50);
    expect((await operator.setPriority(id, 100)).priority).toBe(100);
  });

  it('has the finished frames of a job that was cancelled, once they were listed', async () => {
    await failureOf(read(alice, frame, 'early'), 'not-found');
    const { value } = await reader.frames(id).next();
    expect(value?.frames.map(({ artifact }) => artifact?.digest)).toEqual([frame]);
    expect(await read(alice, frame, 'alice')).toBe('a frame');
    expect(await read(reader, frame, 'reader')).toBe('a frame');
    await failureOf(bob.frames(id).next(), 'not-found');
    await failureOf(read(bob, frame, 'bob'), 'not-found');
  });

  it('reads the logs of their own jobs, and of others not even that they are there', async () => {
    for (const client of [alice, reader, operator]) {
      expect(await kindsOf(client, id)).toEqual(['submitted', 'begun', 'cancelled']);
    }
    await failureOf(bob.log(id, { follow: false }).next(), 'not-found');
    await failureOf(bob.log(id.slice(0, 8), { follow: true }).next(), 'not-found');
  });

  it('gives the place of a log that was read to its end to the next', async () => {
    for (let times = 0; times < 3; times += 1) await kindsOf(alice, id);
    await alice.resume(id);
    const open = alice.log(id, { follow: true });
    await open.next();
    await failureOf(reader.log(id, { follow: true }).next(), 'resource-exhausted');
    await alice.cancel(id);
    for await (const line of open) expect(line.kind).not.toBe('submitted');
    expect(await kindsOf(reader, id)).toContain('resumed');
  });

  it('is shown to operators, and to nobody else who submitted the same', async () => {
    const ownersSeen = async (): Promise<readonly string[]> => {
      const seen = [alice, reader, operator].map((client) => client.get(id));
      return (await Promise.all(seen)).map(({ owner }) => owner);
    };
    expect(await ownersSeen()).toEqual(['alice', 'alice', 'alice']);
    expect((await operator.list()).map(({ owner }) => owner)).toEqual(['alice']);
    await bob.submit(submission(await bob.putArtifact(Buffer.from('a clip'))));
    // Whoever was first has it, also where another begins it again; that one sees it.
    expect(await ownersSeen()).toEqual(['alice', 'alice', 'alice']);
    expect((await bob.get(id)).owner).toBe('');
    await failureOf(bob.cancel(id), 'permission-denied');
    await alice.cancel(id);
  });

  it('deletes their own jobs only', async () => {
    await failureOf(bob.delete(id), 'not-found');
    await failureOf(reader.delete(id), 'permission-denied');
    await bob.submit(submission(await bob.putArtifact(Buffer.from('a clip'))));
    await failureOf(bob.delete(id), 'permission-denied');
    await alice.cancel(id);
    expect(await alice.delete(id)).toBe(id);
    await failureOf(operator.get(id), 'not-found');
  });
});

async function kindsOf(client: FarmClient, jobId: string): Promise<readonly string[]> {
  const kinds: string[] = [];
  for await (const { kind } of client.log(jobId, { follow: true })) kinds.push(kind);
  return kinds;
}

async function read(client: FarmClient, digest: Digest, name: string): Promise<string> {
  const path = join(folder, name);
  await client.getArtifactFile(digest, path);
  return readFile(path, 'utf8');
}

/** As a worker would that has decoded the first of the job's frames. */
async function putFrame(store: Store, id: JobId): Promise<Digest> {
  const plan = createPlan(await readAcceptedJob(store, id));
  const digest = await store.putArtifact(Buffer.from('a frame'));
  await store.putRecord({
    ...{ taskId: plan.id({ node: 'decode', index: 0 }), worker: 'w', numericsClass: 'n' },
    ...{ attempt: 1, startedAt: 'now', seconds: 1, busySeconds: 1, stage: 'decode' },
    outputs: { frames: [{ digest, bytes: 7, type: 'image/png' }] },
  });
  return digest;
}
