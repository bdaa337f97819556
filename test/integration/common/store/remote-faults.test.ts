// Goal: nothing that was damaged on the way is taken for sound, and nothing malformed gets in. Method: a real server, and a TCP line that
// changes letters.

import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { credentials, Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';

import { digestBytes, digestText } from '../../../../common/digest.ts';
import { StoreServiceClient } from '../../../../common/gen/bivdiff/v1/store_service.ts';
import { DOCUMENT_BYTES_MAX } from '../../../../common/rpc/message-sizes.ts';
import { encodeRecord } from '../../../../common/store/envelope.ts';
import type { Store } from '../../../../common/store/ports.ts';
import { openRemoteStore } from '../../../../common/store/remote/index.ts';
import type { ArtifactRef } from '../../../../common/task.ts';
import { FRAGILE, openFragileLine } from '../../../support/network/line.ts';
import type { FragileLine } from '../../../support/network/line.ts';
import { openImpatient } from '../../../support/conformance/remote-store-harness.ts';
import { recordOf, taskIdOf } from '../../../support/conformance/results.ts';
import { bytesOf } from '../../../support/conformance/seed.ts';
import { useRemoteStore } from '../../../support/conformance/use-remote-store.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';

const remote = useRemoteStore();

describe('remote store: what is damaged on the way', () => {
  let line: FragileLine;
  const fragile = Buffer.from(`some bytes, ${FRAGILE}, more bytes`);
  const record = recordOf('a', [], { worker: FRAGILE });
  const name = { kind: 'spec', id: 'a' } as const;
  const open = async (damages: number): Promise<Store> => {
    line = await openFragileLine(remote.server.address, damages);
    return remote.kept(openImpatient(line.address));
  };
  afterEach(() => line.close());

  it('is never taken for sound when read', async () => {
    const digest = await remote.served.putArtifact(fragile);
    await remote.served.putRecord(record);
    await remote.served.putDocument(name, fragile);
    const store = await open(Infinity);
    const error = await failureOf(store.getArtifact(digest), 'unavailable');
    expect(error.message).toContain('was damaged on its way');
    expect(error.details).toEqual({ digest });
    await failureOf(store.getArtifactFile(digest, join(remote.folder, 'out')), 'unavailable');
    expect(await readdir(remote.folder)).toEqual([]);
    await failureOf(store.getRecord(record.taskId), 'unavailable');
    await failureOf(store.getDocument(name), 'unavailable');
    // It was sound where it lies, and still is.
    expect((await remote.served.usage()).quarantine.count).toBe(0);
  });

  it('is never stored when put', async () => {
    const store = await open(Infinity);
    await writeFile(join(remote.folder, 'in'), fragile);
    await failureOf(store.putArtifact(fragile), 'unavailable');
    await failureOf(store.putArtifactFile(join(remote.folder, 'in')), 'unavailable');
    await failureOf(store.putRecord(record), 'unavailable');
    await failureOf(store.putDocument(name, fragile), 'unavailable');
    const { artifacts, records, documents } = await remote.served.usage();
    expect([artifacts.count, records.count, documents.count]).toEqual([0, 0, 0]);
  });

  it('is sent again, and comes whole the next time', async () => {
    const store = await open(1);
    const digest = await store.putArtifact(fragile);
    line.damagesLeft = 1;
    expect(digestBytes(await store.getArtifact(digest))).toBe(digest);
    line.damagesLeft = 1;
    await store.getArtifactFile(digest, join(remote.folder, 'out'));
    expect(digestBytes(await readFile(join(remote.folder, 'out')))).toBe(digest);
    line.damagesLeft = 1;
    expect(await store.putRecord(record)).toEqual({ kind: 'created' });
    line.damagesLeft = 1;
    expect(await store.getRecord(record.taskId)).toEqual(record);
    expect(line.damagesLeft).toBe(0);
  });
});

describe('remote store: limits', () => {
  it('says how large a document may be', async () => {
    const store = await remote.kept(openRemoteStore(remote.server.address));
    const name = { kind: 'manifest', id: 'large' } as const;
    const largest = bytesOf('largest', DOCUMENT_BYTES_MAX);
    expect(await store.putDocument(name, largest)).toBe('created');
    expect(Buffer.compare((await store.getDocument(name))!, largest)).toBe(0);
    await store.deleteDocument(name);
    const larger = bytesOf('larger', DOCUMENT_BYTES_MAX + 1);
    const refused = await failureOf(store.putDocument(name, larger), 'resource-exhausted');
    expect(refused.message).toBe(
      'document manifest/large has 4194305 bytes; a remote store takes and gives 4194304 at most',
    );
    expect(refused.retry).toBe('never');
    // The coordinator itself may have put it.
    await remote.served.putDocument(name, larger);
    const unread = await failureOf(store.getDocument(name), 'resource-exhausted');
    expect(unread.message).toBe(refused.message);
  });

  it('takes and gives a result of 45,000 pictures, which is longer than a message', async () => {
    const store = await remote.kept(openRemoteStore(remote.server.address));
    const bytes = bytesOf('picture', 400_000);
    const digest = await store.putArtifact(bytes);
    const shape = [512, 512, 3];
    const picture: ArtifactRef = { digest, bytes: bytes.length, type: 'image/png', shape };
    const pictures = Array<ArtifactRef>(45_000).fill(picture);
    const long = recordOf('long', pictures);
    expect(encodeRecord(long).byteLength).toBeGreaterThan(DOCUMENT_BYTES_MAX);
    expect(await store.putRecord(long)).toEqual({ kind: 'created' });
    expect(await store.getRecord(long.taskId)).toEqual(long);
    expect(await remote.served.getRecord(long.taskId)).toEqual(long);
    const later = await store.putRecord({ ...long, worker: 'another' });
    expect(later).toEqual({ kind: 'exists', record: long });
    expect(await store.getRecord(long.taskId, { checkArtifacts: true })).toEqual(long);
  });

  it('lists 100,000 names', async () => {
    const ids = Array.from({ length: 100_000 }, (_, i) => `job/${String(i).padStart(6, '0')}`);
    for (const id of ids)
      await remote.served.putDocument({ kind: 'job-event', id }, new Uint8Array());
    const store = await remote.kept(openRemoteStore(remote.server.address));
    const listed = await store.listDocuments('job-event', 'job/');
    expect(listed.map(({ id }) => id)).toEqual(ids);
  });
});

describe('remote store: metadata', () => {
  it('goes with every call', async () => {
    const metadata = (): Metadata => {
      const token = new Metadata();
      token.set('authorization', 'Bearer x');
      return token;
    };
    const store = await remote.kept(openRemoteStore(remote.server.address, { metadata }));
    const name = { kind: 'spec', id: 'a' } as const;
    const digest = await store.putArtifact(Buffer.from('a'));
    await store.getArtifact(digest);
    await store.hasArtifact(digest);
    await store.putRecord(recordOf('a', []));
    await store.dropRecord(taskIdOf('a'));
    await store.putDocument(name, Buffer.from('a'));
    await store.getDocument(name);
    await store.listDocuments('spec');
    await store.deleteDocument(name);
    expect(remote.server.seen.size).toBe(10);
    for (const [method, sent] of remote.server.seen) {
      expect(sent.get('authorization'), method).toEqual(['Bearer x']);
    }
  });
});

const sent = (taskId: string, envelope: Buffer, envelopeArtifact = '') => {
  return { taskId, envelope, envelopeArtifact };
};

describe('StoreService', () => {
  it('lets nothing malformed in, whoever sends it', async () => {
    const client = new StoreServiceClient(remote.server.address, credentials.createInsecure());
    const bad = '../../etc/passwd';
    const nothing = Buffer.from('');
    const calls = [
      start((done) => client.getRecord({ taskId: bad, checkArtifacts: false }, done)),
      start((done) => client.putRecord(sent(bad, nothing), done)),
      start((done) => client.putRecord(sent(taskIdOf('a'), nothing, bad), done)),
      start((done) => client.dropRecord({ taskId: bad }, done)),
      start((done) => client.getDocument({ name: { kind: 'spec', id: bad } }, done)),
      start((done) => client.getDocument({ name: { kind: '../artifacts', id: 'a' } }, done)),
      start((done) => client.getDocument({ name: undefined }, done)),
      start((done) =>
        client.putDocument({ name: { kind: 'spec', id: bad }, envelope: nothing }, done),
      ),
      start((done) => client.deleteDocument({ name: { kind: 'spec', id: bad } }, done)),
      start((done) => {
        client
          .listDocuments({ kind: 'spec', prefix: '../' }, new Metadata())
          .on('data', () => undefined)
          .on('error', done);
      }),
    ];
    for (const error of await Promise.all(calls)) {
      expect(error).toMatchObject({ code: status.INVALID_ARGUMENT });
    }
    client.close();
  });

  it('refuses a record that is none, though its checksum is right', async () => {
    const client = new StoreServiceClient(remote.server.address, credentials.createInsecure());
    const taskId = taskIdOf('a');
    for (const [text, code] of [
      [`{"taskId":"${taskId}"}`, status.INVALID_ARGUMENT],
      [JSON.stringify({ ...recordOf('a', []), outputs: { x: [{}] } }), status.INVALID_ARGUMENT],
      ['not JSON', status.UNAVAILABLE],
      [JSON.stringify(recordOf('b', [])), status.UNAVAILABLE],
    ] as const) {
      const envelope = Buffer.from(`{"checksum":"${digestText(text)}","record":${text}}\n`);
      const error = await start((done) => client.putRecord(sent(taskId, envelope), done));
      expect(error, text).toMatchObject({ code });
    }
    client.close();
    expect((await remote.served.usage()).records.count).toBe(0);
  });
});

/** The error that a call ends with. */
function start(
  call: (done: (error: ServiceError | null) => void) => unknown,
): Promise<ServiceError | null> {
  return new Promise((resolve) => {
    call(resolve);
  });
}
