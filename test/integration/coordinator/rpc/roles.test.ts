// Goal: each role may do what the table says and nothing else, and each owner sees their own. Method: a real server and real clients,
// one for each token; jobs that were written into the store.

import { status } from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { FarmClient } from '../../../../cli/farm/farm-client.ts';
import { digestText } from '../../../../common/digest.ts';
import { ArtifactServiceService } from '../../../../common/gen/bivdiff/v1/artifact_service.ts';
import { RenderServiceService } from '../../../../common/gen/bivdiff/v1/render_service.ts';
import { StoreServiceService } from '../../../../common/gen/bivdiff/v1/store_service.ts';
import { openRemoteStore } from '../../../../common/store/remote/index.ts';
import type { ResultRecord, TaskId } from '../../../../common/task.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';
import {
  GuardedFarm,
  NOWHERE,
  putDoneJob,
  submission,
} from '../../../support/farm/guarded-farm.ts';
import type { Bearer } from '../../../support/farm/guarded-farm.ts';
import { callEmpty } from '../../../support/network/call-empty.ts';

const BEARERS = {
  reader: { owner: 'alice', roles: ['read'] },
  alice: { owner: 'alice', roles: ['submit'] },
  bob: { owner: 'bob', roles: ['submit'] },
  operator: { owner: 'olga', roles: ['operate'] },
  worker: { owner: 'w', roles: ['worker'] },
} as const satisfies Record<string, Bearer>;
type Name = keyof typeof BEARERS;

let farm: GuardedFarm;
let aliceJob: Awaited<ReturnType<typeof putDoneJob>>;
let bobJob: Awaited<ReturnType<typeof putDoneJob>>;
beforeEach(async () => {
  farm = await GuardedFarm.start({
    bearers: BEARERS,
    prepare: async (store) => {
      aliceJob = await putDoneJob(store, { owner: 'alice', seed: 101 });
      bobJob = await putDoneJob(store, { owner: 'bob', seed: 102 });
    },
  });
});
afterEach(() => farm.close());

/** Who gets through to the handler, by method; written out again here, so that a change of the table is noticed. */
const ALLOWED: Readonly<Record<string, readonly Name[]>> = {
  SubmitJob: ['alice', 'bob', 'operator'],
  CheckJob: ['alice', 'bob', 'operator'],
  CheckSpec: ['alice', 'bob', 'operator'],
  GetJob: ['reader', 'alice', 'bob', 'operator'],
  ListJobs: ['reader', 'alice', 'bob', 'operator'],
  WatchJob: ['reader', 'alice', 'bob', 'operator'],
  WatchLog: ['reader', 'alice', 'bob', 'operator'],
  ListFrames: ['reader', 'alice', 'bob', 'operator'],
  DeleteJob: ['alice', 'bob', 'operator'],
  CancelJob: ['alice', 'bob', 'operator'],
  PauseJob: ['alice', 'bob', 'operator'],
  ResumeJob: ['alice', 'bob', 'operator'],
  SetPriority: ['alice', 'bob', 'operator'],
  ListWorkers: ['operator'],
  DrainWorker: ['operator'],
  HasArtifact: ['alice', 'bob', 'operator', 'worker'],
  ReadArtifact: ['reader', 'alice', 'bob', 'operator', 'worker'],
  WriteArtifact: ['alice', 'bob', 'operator', 'worker'],
  PutRecord: ['operator', 'worker'],
  GetRecord: ['operator', 'worker'],
  DropRecord: ['operator', 'worker'],
  PutDocument: ['operator'],
  GetDocument: ['operator', 'worker'],
  ListDocuments: ['operator', 'worker'],
  DeleteDocument: ['operator'],
};

const METHODS: readonly MethodDefinition<object, object>[] = [
  RenderServiceService,
  ArtifactServiceService,
  StoreServiceService,
].flatMap((service) => Object.values(service) as unknown as MethodDefinition<object, object>[]);

describe('the table of roles', () => {
  it.each(METHODS.map((method) => [method.path.split('/').at(-1)!, method] as const))(
    'lets only those call %s who may',
    async (name, method) => {
      const seen: Record<string, number> = {};
      for (const bearer of Object.keys(BEARERS) as Name[])
        seen[bearer] = await callAs(method, bearer);
      const through = Object.keys(seen).filter((one) => seen[one] !== status.PERMISSION_DENIED);
      expect(through).toEqual(ALLOWED[name]);
      expect(await callAs(method)).toBe(status.UNAUTHENTICATED);
    },
  );

  it('is open to everybody for health and reflection only', async () => {
    const health = { requestStream: false, path: '/grpc.health.v1.Health/Check' };
    expect(await callAs(raw(health))).toBe(status.OK);
    const unknown = { requestStream: false, path: '/bivdiff.v1.RenderService/Nothing' };
    expect(await callAs(raw(unknown))).not.toBe(status.OK);
  });

  it('takes no token but those it knows, in no form but its own', async () => {
    const token = farm.tokens.get('alice')!;
    for (const other of [`${token}x`, token.slice(0, -1), token.toUpperCase(), 'x', 'Bearer']) {
      const { address, ...channel } = await farm.channel({ token: other });
      const client = new FarmClient(address, channel);
      const error = await failureOf(client.list(), 'unauthenticated');
      expect(error.message).toBe('this token is not known here');
      client.close();
    }
    expect(farm.refusals).toHaveLength(5);
    expect(JSON.stringify(farm.refusals)).not.toContain(token.slice(0, 20));
  });
});

describe('an owner', () => {
  it('sees their own jobs, and of others not even the beginnings of ids', async () => {
    const [alice, reader, operator] = await clients('alice', 'reader', 'operator');
    for (const client of [alice, reader]) {
      expect((await client!.list()).map(({ id }) => id)).toEqual([aliceJob.id]);
      expect((await client!.get(aliceJob.id.slice(0, 8))).id).toBe(aliceJob.id);
      await failureOf(client!.get(bobJob.id), 'not-found');
      await failureOf(client!.get(bobJob.id.slice(0, 8)), 'not-found');
      await failureOf(client!.watch(bobJob.id).next(), 'not-found');
    }
    const ids = (await operator!.list()).map(({ id }) => id).sort();
    expect(ids).toEqual([aliceJob.id, bobJob.id].sort());
  });

  it('changes their own jobs only', async () => {
    const [alice, bob, operator] = await clients('alice', 'bob', 'operator');
    const source = await alice!.putArtifact(Buffer.from('a clip'));
    const { id } = await alice!.submit(submission(source));
    for (const act of ['cancel', 'pause', 'resume'] as const) {
      await failureOf(bob![act](id), 'not-found');
    }
    await failureOf(bob!.setPriority(id, 100), 'not-found');
    expect((await alice!.pause(id)).state).toBe('paused');
    expect((await alice!.setPriority(id, 7)).priority).toBe(7);
    expect((await operator!.resume(id)).state).not.toBe('paused');
    expect((await operator!.cancel(id)).state).toBe('cancelled');
  });

  it('who submits the same render sees it too, but does not change it', async () => {
    const [alice, bob] = await clients('alice', 'bob');
    const bytes = Buffer.from('a clip that both have');
    const { id } = await alice!.submit(submission(await alice!.putArtifact(bytes)));
    const again = await bob!.submit(submission(await bob!.putArtifact(bytes)));
    expect(again.id).toBe(id);
    expect((await bob!.get(id)).id).toBe(id);
    await failureOf(bob!.cancel(id), 'permission-denied');
    expect((await alice!.cancel(id)).state).toBe('cancelled');
  });

  it('has the files that they brought or their jobs made, whatever other digests they know', async () => {
    const [alice, bob, reader, worker] = await clients('alice', 'bob', 'reader', 'worker');
    const mine = await alice!.putArtifact(Buffer.from('of alice'));
    expect(await read(alice!, mine)).toBe('of alice');
    expect(await read(reader!, mine)).toBe('of alice');
    expect(await read(alice!, aliceJob.output)).toContain('alice');
    expect(await read(worker!, mine)).toBe('of alice');
    for (const digest of [mine, aliceJob.output, NOWHERE]) {
      const error = await failureOf(read(bob!, digest), 'not-found');
      expect(error.message).toBe(`you have no artifact ${digest}`);
    }
    // Who brings the same bytes has them.
    await bob!.putArtifact(Buffer.from('of alice'));
    expect(await read(bob!, mine)).toBe('of alice');
  });

  it('cannot have the sources of others rendered, by digest or by a listing of digests', async () => {
    const [alice, bob] = await clients('alice', 'bob');
    const mine = await alice!.putArtifact(Buffer.from('of alice'));
    await failureOf(bob!.submit(submission(mine)), 'not-found');
    const listing = JSON.stringify({ files: [{ name: 'a.png', digest: mine }] });
    const folder = await bob!.putArtifact(Buffer.from(listing));
    const request = { ...submission(folder), sourceKind: 'folder' };
    await failureOf(bob!.submit(request), 'not-found');
    await bob!.putArtifact(Buffer.from('of alice'));
    expect((await bob!.submit(request)).id).toHaveLength(64);
  });
});

describe('a worker', () => {
  it('uses the store, but writes none of the documents', async () => {
    const { address, ...channel } = await farm.channel({ token: farm.tokens.get('worker')! });
    const store = await openRemoteStore(address, channel);
    const digest = await store.putArtifact(Buffer.from('a frame'));
    const taskId = digestText('a task') as string as TaskId;
    const record: ResultRecord = {
      ...{ taskId, worker: 'w', numericsClass: 'n', attempt: 1 },
      ...{ startedAt: 'now', seconds: 1, busySeconds: 1 },
      stage: 'ingest',
      outputs: { frames: [{ digest, bytes: 7, type: 'image/png' }] },
    };
    expect((await store.putRecord(record)).kind).toBe('created');
    const epoch = { kind: 'epoch', id: '9'.repeat(9) } as const;
    await failureOf(store.putDocument(epoch, Buffer.from('{}')), 'permission-denied');
    await failureOf(store.deleteDocument({ kind: 'spec', id: aliceJob.id }), 'permission-denied');
    await store.close();
  });

  it('is refused at once with the token of a client', async () => {
    const { address, ...channel } = await farm.channel({ token: farm.tokens.get('alice')! });
    await failureOf(openRemoteStore(address, channel), 'permission-denied');
  });
});

describe('without tokens', () => {
  it('everybody may do everything', async () => {
    const open = await GuardedFarm.start({
      prepare: async (store) => {
        await putDoneJob(store, { owner: 'alice', seed: 101 });
      },
    });
    const client = await open.client();
    expect(await client.list()).toHaveLength(1);
    expect(await read(client, aliceJob.output)).toContain('alice');
    const source = await client.putArtifact(Buffer.from('a clip'));
    const { id } = await client.submit(submission(source));
    expect((await client.cancel(id)).state).toBe('cancelled');
    expect((await client.workers()).workers).toEqual([]);
    await open.close();
  });
});

function clients(...names: readonly Name[]): Promise<FarmClient[]> {
  return Promise.all(names.map((name) => farm.client(name)));
}

async function read(client: FarmClient, digest: typeof NOWHERE): Promise<string> {
  const { mkdtemp, readFile, rm } = await import('node:fs/promises');
  const folder = await mkdtemp('/tmp/bivdiff-read-');
  try {
    await client.getArtifactFile(digest, `${folder}/file`);
    return await readFile(`${folder}/file`, 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Calls a method with an empty request; gives the status. */
async function callAs(method: MethodDefinition<object, object>, bearer?: Name): Promise<status> {
  const token = bearer === undefined ? undefined : farm.tokens.get(bearer)!;
  return callEmpty(method, await farm.channel(token === undefined ? {} : { token }));
}

function raw(parts: { readonly path: string }): MethodDefinition<object, object> {
  return {
    ...parts,
    ...{ requestStream: false, responseStream: false },
    requestSerialize: () => Buffer.alloc(0),
    requestDeserialize: () => ({}),
    responseSerialize: () => Buffer.alloc(0),
    responseDeserialize: () => ({}),
  };
}
