// Goal: no name that comes over the wire leads out of the store's folder, or of the folder that a source is written to. Method: a real
// server before a store in a folder; raw calls, since our own clients would refuse such names themselves.

import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { credentials, Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  ArtifactServiceClient,
  ArtifactServiceService,
} from '../../../../common/gen/bivdiff/v1/artifact_service.ts';
import {
  StoreServiceClient,
  StoreServiceService,
} from '../../../../common/gen/bivdiff/v1/store_service.ts';
import { materialiseSource } from '../../../../common/sources/source.ts';
import { encodeDocument, encodeRecord } from '../../../../common/store/envelope.ts';
import { openFileStore } from '../../../../common/store/file/index.ts';
import type { Store } from '../../../../common/store/ports.ts';
import { createArtifactService } from '../../../../coordinator/rpc/artifact-service.ts';
import { createStoreService } from '../../../../coordinator/rpc/store-service.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';

const BAD_IDS = [
  '../outside',
  '..',
  '.',
  '/etc/passwd',
  'a/../../outside',
  'a//b',
  'a\\..\\b',
  'a\0b',
  '.hidden',
  'A',
  'x'.repeat(201),
  'a/'.repeat(9) + 'a',
  '',
];
const BAD_DIGESTS = [
  '../../outside',
  '..',
  '',
  'a'.repeat(63),
  'A'.repeat(64),
  `${'a'.repeat(63)}/`,
];

let folder: string;
let store: Store;
let server: Server;
let documents: StoreServiceClient;
let artifacts: ArtifactServiceClient;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-paths-'));
  store = await openFileStore(join(folder, 'deep/store'));
  server = new Server();
  server.addService(StoreServiceService, createStoreService(store));
  server.addService(ArtifactServiceService, createArtifactService(store));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  documents = new StoreServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
  artifacts = new ArtifactServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
});
afterAll(async () => {
  documents.close();
  artifacts.close();
  server.forceShutdown();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const codeOf = (call: (done: (error: ServiceError | null) => void) => unknown): Promise<status> =>
  new Promise((resolve) => {
    call((error) => {
      resolve(error?.code ?? status.OK);
    });
  });

const streamCode = (call: ClientReadableStream<unknown>): Promise<status> =>
  codeOf((done) => {
    call.on('error', (error) => {
      done(error as ServiceError);
    });
    call.on('end', () => {
      done(null);
    });
    call.resume();
  });

describe('names over the wire', () => {
  it.each(BAD_IDS)('refuses document %j', async (id) => {
    const envelope = Buffer.from(encodeDocument(Buffer.from('x')));
    const name = { kind: 'upload', id };
    for (const code of [
      await codeOf((done) => documents.putDocument({ name, envelope }, done)),
      await codeOf((done) => documents.getDocument({ name }, done)),
      await codeOf((done) => documents.deleteDocument({ name }, done)),
    ]) {
      expect(code).toBe(status.INVALID_ARGUMENT);
    }
  });

  it.each(['../spec', 'records', '', '__proto__', 'spec/..'])(
    'refuses kind of document %j',
    async (kind) => {
      const name = { kind, id: 'x' };
      const got = await codeOf((done) => documents.getDocument({ name }, done));
      expect(got).toBe(status.INVALID_ARGUMENT);
      const call = documents.listDocuments({ kind, prefix: '' });
      const listed = await streamCode(call);
      expect(listed).toBe(status.INVALID_ARGUMENT);
    },
  );

  it.each(['../', '/', 'a/../', '.'])('refuses to list what begins with %j', async (prefix) => {
    const call = documents.listDocuments({ kind: 'spec', prefix });
    const code = await streamCode(call);
    expect(code).toBe(status.INVALID_ARGUMENT);
  });

  it.each(BAD_DIGESTS)('refuses digest and task id %j', async (digest) => {
    const codes = [
      await codeOf((done) => artifacts.hasArtifact({ digest }, done)),
      await streamCode(artifacts.readArtifact({ digest, offset: 0, inMemory: false })),
      await codeOf((done) => {
        const write = artifacts.writeArtifact(done);
        write.on('error', () => undefined);
        write.end({ digest, chunk: Buffer.from('x') });
      }),
      await codeOf((done) => documents.getRecord({ taskId: digest, checkArtifacts: true }, done)),
      await codeOf((done) => documents.dropRecord({ taskId: digest }, done)),
      await codeOf((done) => {
        const record = { taskId: digest, outputs: {} } as never;
        const envelope = Buffer.from(encodeRecord(record));
        documents.putRecord({ taskId: digest, envelope, envelopeArtifact: '' }, done);
      }),
    ];
    expect(new Set(codes)).toEqual(new Set([status.INVALID_ARGUMENT]));
  });

  it('refuses a result whose outputs name no digests', async () => {
    const taskId = 'a'.repeat(64);
    const record = {
      ...{ taskId, stage: 'ingest', worker: 'w', numericsClass: 'n', attempt: 1 },
      ...{ startedAt: 'now', seconds: 1, busySeconds: 1 },
      outputs: { frames: [{ digest: '../../outside', bytes: 1, type: 'image/png' }] },
    } as never;
    const envelope = Buffer.from(encodeRecord(record));
    const sent = { taskId, envelope, envelopeArtifact: '' };
    const code = await codeOf((done) => documents.putRecord(sent, done));
    expect(code).toBe(status.INVALID_ARGUMENT);
  });
});

describe('a listing of a folder that a client uploaded', () => {
  it.each([
    ['../outside.png'],
    ['..'],
    ['/tmp/outside.png'],
    ['a/b.png'],
    ['a\\b.png'],
    ['a\0.png'],
    ['.hidden'],
    [''],
    ['x'.repeat(256)],
    ['ü'.repeat(128)],
  ])('is refused if it names %j', async (name) => {
    const picture = await store.putArtifact(Buffer.from('a picture'));
    const listing = JSON.stringify({ files: [{ name, digest: picture }] });
    const digest = await store.putArtifact(Buffer.from(listing));
    const path = join(folder, 'sources', 'one');
    await failureOf(materialiseSource(store, { kind: 'folder', digest }, path), 'invalid-argument');
    await expect(access(join(folder, 'sources'))).rejects.toThrow();
    await expect(access(join(folder, 'outside.png'))).rejects.toThrow();
  });

  it.each([['no JSON'], ['[]'], ['{"files":[{"name":"a.png","digest":"../x"}]}'], ['{"files":1}']])(
    'is refused if it is %j',
    async (text) => {
      const digest = await store.putArtifact(Buffer.from(text));
      const path = join(folder, 'never');
      const writing = materialiseSource(store, { kind: 'folder', digest }, path);
      await failureOf(writing, 'invalid-argument');
    },
  );

  it('is refused if it names a file twice', async () => {
    const picture = await store.putArtifact(Buffer.from('a picture'));
    const file = { name: 'a.png', digest: picture };
    const digest = await store.putArtifact(Buffer.from(JSON.stringify({ files: [file, file] })));
    const writing = materialiseSource(store, { kind: 'folder', digest }, join(folder, 'twice'));
    await failureOf(writing, 'invalid-argument');
  });
});
