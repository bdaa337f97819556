// Goal: a worker does not notice that its coordinator was away for some seconds, and nothing that was damaged on the way is taken
// for sound. Method: a real server that is ended and started again, and a TCP line that changes letters.

import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { credentials, Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { digestBytes, digestText } from '../../../../common/digest.ts';
import { StoreServiceClient } from '../../../../common/gen/bivdiff/v1/store_service.ts';
import { DOCUMENT_BYTES_MAX } from '../../../../common/rpc/limits.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import type { MemoryStore } from '../../../../common/store/memory/index.ts';
import type { Store } from '../../../../common/store/ports.ts';
import { openRemoteStore } from '../../../../common/store/remote/index.ts';
import { FRAGILE, openFragileLine } from '../../../support/conformance/line.ts';
import type { FragileLine } from '../../../support/conformance/line.ts';
import { openImpatient, StoreServer } from '../../../support/conformance/remote-store-harness.ts';
import { artifactOf, recordOf, taskIdOf } from '../../../support/conformance/results.ts';
import { bytesOf } from '../../../support/conformance/seed.ts';
import { failureOf } from '../../../support/conformance/use-store.ts';

/** Longer than the pause before the third try, far shorter than patience. */
const AWAY_MS = 1_500;
const FILE_BYTES = 32 << 20;

let served: MemoryStore;
let server: StoreServer;
let folder: string;
const opened: Store[] = [];
beforeEach(async () => {
  served = createMemoryStore();
  server = new StoreServer(served);
  await server.start();
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-remote-'));
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function kept<T extends Store>(opening: Promise<T>): Promise<T> {
  const store = await opening;
  opened.push(store);
  return store;
}

async function restart(): Promise<void> {
  server.stop();
  await delay(AWAY_MS);
  await server.start();
}

describe('remote store: a coordinator that is away', () => {
  it(
    'lets calls succeed that were under way, or begin meanwhile',
    { timeout: 60_000 },
    async () => {
      const store = await kept(openRemoteStore(server.address));
      const large = bytesOf('large', FILE_BYTES);
      await writeFile(join(folder, 'in'), large);
      const stop = new AbortController();
      let rounds = 0;
      const lane = async (lane: number): Promise<void> => {
        for (let i = 0; !stop.signal.aborted; i += 1) {
          const label = `${lane}/${i}`;
          const bytes = bytesOf(label, 100_000);
          const frame = artifactOf(await store.putArtifact(bytes), bytes.length);
          const record = recordOf(label, [frame]);
          expect(await store.putRecord(record)).toEqual({ kind: 'created' });
          expect(await store.getRecord(record.taskId, { checkArtifacts: true })).toEqual(record);
          expect(digestBytes(await store.getArtifact(frame.digest))).toBe(frame.digest);
          expect(await store.hasArtifact(frame.digest)).toBe(true);
          rounds += 1;
        }
      };
      const transfers = async (): Promise<void> => {
        for (let i = 0; !stop.signal.aborted; i += 1) {
          const digest = await store.putArtifactFile(join(folder, 'in'));
          await store.getArtifactFile(digest, join(folder, `out-${i}`));
          expect(Buffer.compare(await readFile(join(folder, `out-${i}`)), large)).toBe(0);
          await rm(join(folder, `out-${i}`));
        }
      };
      const all = Promise.all([lane(1), lane(2), lane(3), transfers()]);
      await Promise.race([all, delay(500)]);
      for (let restarts = 0; restarts < 3; restarts += 1) {
        const before = rounds;
        await Promise.race([all, restart()]);
        // What was cut off comes through, and the next as well.
        while (rounds < before + 6) await Promise.race([all, delay(20)]);
      }
      stop.abort();
      await all;
      expect(await readdir(folder)).toEqual(['in']);
    },
  );

  it('lists and reads documents that are asked for meanwhile', async () => {
    const store = await kept(openRemoteStore(server.address));
    const name = { kind: 'spec', id: 'job' } as const;
    expect(await store.putDocument(name, Buffer.from('spec'))).toBe('created');
    const back = restart();
    // The connection's end is known by then: a put that is cut off itself fails, see below.
    await delay(100);
    const [names, bytes, put] = await Promise.all([
      store.listDocuments('spec'),
      store.getDocument(name),
      store.putDocument({ kind: 'spec', id: 'next' }, Buffer.from('next')),
    ]);
    await back;
    expect(names).toContainEqual(name);
    expect(Buffer.from(bytes ?? []).toString()).toBe('spec');
    expect(put).toBe('created');
  });

  it('knows its own record again when the answer to the first try was lost', async () => {
    const cut = new StoreServer(
      cutOff(served, 'putRecord', () => {
        cut.stop();
      }),
    );
    await cut.start();
    const store = await kept(openRemoteStore(cut.address));
    const record = recordOf('a', []);
    const putting = store.putRecord(record);
    while ((await served.getRecord(record.taskId)) === undefined) await delay(5);
    await delay(50);
    await cut.start();
    expect(await putting).toEqual({ kind: 'created' });
    expect(await store.putRecord(record)).toEqual({ kind: 'exists', record });
    cut.stop();
  });

  it('does not put a document twice, and says that it may be there', async () => {
    const cut = new StoreServer(
      cutOff(served, 'putDocument', () => {
        cut.stop();
      }),
    );
    await cut.start();
    const store = await kept(openRemoteStore(cut.address));
    const name = { kind: 'epoch', id: '1' } as const;
    const error = await failureOf(store.putDocument(name, Buffer.from('1')), 'unavailable');
    expect(error.message).toContain('putting document epoch/1');
    expect(error.message).toContain('nobody knows whether it was done');
    expect(await served.getDocument(name)).toBeDefined();
  });

  it('gives up when patience ends, and says who is missing', async () => {
    const store = await kept(openImpatient(server.address));
    server.stop();
    const digest = digestText('a');
    for (const [what, call] of Object.entries({
      has: () => store.hasArtifact(digest),
      get: () => store.getArtifact(digest),
      put: () => store.putArtifact(Buffer.from('a')),
      record: () => store.getRecord(taskIdOf('a')),
      document: () => store.putDocument({ kind: 'spec', id: 'a' }, Buffer.from('a')),
    })) {
      const begun = performance.now();
      const error = await failureOf(call(), 'unavailable');
      expect(error.message, what).toContain(server.address);
      expect(error.retry).toBe('same-worker');
      expect(performance.now() - begun).toBeLessThan(5_000);
    }
  });

  it('ends its waiting when it is closed', async () => {
    const store = await openRemoteStore(server.address);
    server.stop();
    const waiting = [
      failureOf(store.getRecord(taskIdOf('a')), 'unavailable'),
      failureOf(store.putDocument({ kind: 'spec', id: 'a' }, Buffer.from('a')), 'unavailable'),
    ];
    await delay(300);
    const begun = performance.now();
    await store.close();
    await Promise.all(waiting);
    expect(performance.now() - begun).toBeLessThan(3_000);
    await failureOf(store.getRecord(taskIdOf('a')), 'failed-precondition');
  });

  it('opens when it comes, and not when nobody does or the opening is stopped', async () => {
    const { address } = server;
    server.stop();
    const opening = openRemoteStore(address);
    await delay(500);
    await server.start();
    await (await opening).close();
    server.stop();
    await failureOf(openImpatient(address), 'unavailable');
    const stop = new AbortController();
    const stopped = failureOf(openRemoteStore(address, { signal: stop.signal }), 'cancelled');
    stop.abort();
    await stopped;
  });
});

describe('remote store: what is damaged on the way', () => {
  let line: FragileLine;
  const fragile = Buffer.from(`some bytes, ${FRAGILE}, more bytes`);
  const record = recordOf('a', [], { worker: FRAGILE });
  const name = { kind: 'spec', id: 'a' } as const;
  const open = async (damages: number): Promise<Store> => {
    line = await openFragileLine(server.address, damages);
    return kept(openImpatient(line.address));
  };
  afterEach(() => line.close());

  it('is never taken for sound when read', async () => {
    const digest = await served.putArtifact(fragile);
    await served.putRecord(record);
    await served.putDocument(name, fragile);
    const store = await open(Infinity);
    const error = await failureOf(store.getArtifact(digest), 'unavailable');
    expect(error.message).toContain('was damaged on its way');
    expect(error.details).toEqual({ digest });
    await failureOf(store.getArtifactFile(digest, join(folder, 'out')), 'unavailable');
    expect(await readdir(folder)).toEqual([]);
    await failureOf(store.getRecord(record.taskId), 'unavailable');
    await failureOf(store.getDocument(name), 'unavailable');
    // It was sound where it lies, and still is.
    expect((await served.usage()).quarantine.count).toBe(0);
  });

  it('is never stored when put', async () => {
    const store = await open(Infinity);
    await writeFile(join(folder, 'in'), fragile);
    await failureOf(store.putArtifact(fragile), 'unavailable');
    await failureOf(store.putArtifactFile(join(folder, 'in')), 'unavailable');
    await failureOf(store.putRecord(record), 'unavailable');
    await failureOf(store.putDocument(name, fragile), 'unavailable');
    const { artifacts, records, documents } = await served.usage();
    expect([artifacts.count, records.count, documents.count]).toEqual([0, 0, 0]);
  });

  it('is sent again, and comes whole the next time', async () => {
    const store = await open(1);
    const digest = await store.putArtifact(fragile);
    line.damagesLeft = 1;
    expect(digestBytes(await store.getArtifact(digest))).toBe(digest);
    line.damagesLeft = 1;
    await store.getArtifactFile(digest, join(folder, 'out'));
    expect(digestBytes(await readFile(join(folder, 'out')))).toBe(digest);
    line.damagesLeft = 1;
    expect(await store.putRecord(record)).toEqual({ kind: 'created' });
    line.damagesLeft = 1;
    expect(await store.getRecord(record.taskId)).toEqual(record);
    expect(line.damagesLeft).toBe(0);
  });
});

describe('remote store: limits', () => {
  it('says how large a document may be', async () => {
    const store = await kept(openRemoteStore(server.address));
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
    await served.putDocument(name, larger);
    const unread = await failureOf(store.getDocument(name), 'resource-exhausted');
    expect(unread.message).toBe(refused.message);
  });

  it('lists 100,000 names', async () => {
    const ids = Array.from({ length: 100_000 }, (_, i) => `job/${String(i).padStart(6, '0')}`);
    for (const id of ids) await served.putDocument({ kind: 'job-event', id }, new Uint8Array());
    const store = await kept(openRemoteStore(server.address));
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
    const store = await kept(openRemoteStore(server.address, { metadata }));
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
    expect(server.seen.size).toBe(10);
    for (const [method, sent] of server.seen) {
      expect(sent.get('authorization'), method).toEqual(['Bearer x']);
    }
  });
});

describe('StoreService', () => {
  it('lets nothing malformed in, whoever sends it', async () => {
    const client = new StoreServiceClient(server.address, credentials.createInsecure());
    const bad = '../../etc/passwd';
    const nothing = Buffer.from('');
    const calls = [
      start((done) => client.getRecord({ taskId: bad, checkArtifacts: false }, done)),
      start((done) => client.putRecord({ taskId: bad, envelope: nothing }, done)),
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
    const client = new StoreServiceClient(server.address, credentials.createInsecure());
    const taskId = taskIdOf('a');
    for (const [text, code] of [
      [`{"taskId":"${taskId}"}`, status.INVALID_ARGUMENT],
      [JSON.stringify({ ...recordOf('a', []), outputs: { x: [{}] } }), status.INVALID_ARGUMENT],
      ['not JSON', status.UNAVAILABLE],
      [JSON.stringify(recordOf('b', [])), status.UNAVAILABLE],
    ] as const) {
      const envelope = Buffer.from(`{"checksum":"${digestText(text)}","record":${text}}\n`);
      const error = await start((done) => client.putRecord({ taskId, envelope }, done));
      expect(error, text).toMatchObject({ code });
    }
    client.close();
    expect((await served.usage()).records.count).toBe(0);
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

/** The store, but after its first such call it is cut off before it answers. */
function cutOff(store: Store, method: 'putRecord' | 'putDocument', cut: () => void): Store {
  let isCut = false;
  const once = <T>(result: T): T => {
    if (!isCut) cut();
    isCut = true;
    return result;
  };
  return new Proxy(store, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      const bound = value.bind(target) as (...values: unknown[]) => Promise<unknown>;
      return key === method ? (...values: unknown[]) => bound(...values).then(once) : bound;
    },
  });
}
