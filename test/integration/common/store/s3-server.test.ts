// The store on S3 and its server: what a commit costs, what lets a store open or refuses it, what a server or network that
// fails is called, and what two processes make of one task. All on a real server, some of it through a proxy with faults.

import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { digestBytes } from '../../../../common/digest.ts';
import { openStore } from '../../../../common/store/open-store.ts';
import type { Store, StoreUpkeep } from '../../../../common/store/ports.ts';
import { openS3Store } from '../../../../common/store/s3/index.ts';
import type { TaskId } from '../../../../common/task.ts';
import { startChild } from '../../../support/conformance/child.ts';
import { artifactOf, recordOf, taskIdOf } from '../../../support/conformance/results.ts';
import { BUCKET } from '../../../support/conformance/s3-harness.ts';
import { bytesOf } from '../../../support/conformance/seed.ts';
import { failureOf } from '../../../support/conformance/use-store.ts';
import { startS3Proxy } from '../../../support/s3-proxy.ts';
import type { S3Proxy } from '../../../support/s3-proxy.ts';
import { BUILD_MS, startVersityGw } from '../../../support/versitygw.ts';
import type { VersityGw } from '../../../support/versitygw.ts';

let server: VersityGw;
let proxy: S3Proxy;
let place = '';
let count = 0;
beforeAll(async () => {
  server = await startVersityGw([BUCKET]);
  Object.assign(process.env, server.env, { AWS_EC2_METADATA_DISABLED: 'true' });
  proxy = await startS3Proxy(server);
}, BUILD_MS);
afterAll(async () => {
  await proxy.close();
  await server.close();
});
beforeEach(() => {
  place = `s3://${BUCKET}/server/${count++}`;
  proxy.faultOf = () => undefined;
});

/** By way of the proxy. */
async function withStore<T>(work: (store: Store & StoreUpkeep) => Promise<T>): Promise<T> {
  const store = await openS3Store(place, { ...process.env, AWS_ENDPOINT_URL_S3: proxy.url });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Methods of the requests that some work makes. */
async function requestsOf(work: () => Promise<unknown>): Promise<string[]> {
  const before = proxy.seen.length;
  await work();
  return proxy.seen.slice(before).map(({ method }) => method);
}

const filesOf = (): Promise<string[]> =>
  readdir(join(server.folder, place.slice('s3://'.length)), { recursive: true });

describe('requests', () => {
  it('are one for an artifact, one for a commit, one for a look', () =>
    withStore(async (store) => {
      const frame = artifactOf(digestBytes(bytesOf('frame', 1000)), 1000);
      const other = artifactOf(digestBytes(bytesOf('other', 1000)), 1000);
      const record = recordOf('a', [frame, other]);
      expect(await requestsOf(() => store.getRecord(record.taskId))).toEqual(['GET']);
      expect(await requestsOf(() => store.putArtifact(bytesOf('frame', 1000)))).toEqual(['PUT']);
      await store.putArtifact(bytesOf('other', 1000));
      expect(await requestsOf(() => store.putRecord(record))).toEqual(['PUT']);
      expect(await requestsOf(() => store.getRecord(record.taskId))).toEqual(['GET']);
      const check = { checkArtifacts: true };
      const checked = await requestsOf(() => store.getRecord(record.taskId, check));
      expect(checked).toEqual(['GET', 'HEAD', 'HEAD']);
      expect(await requestsOf(() => store.getArtifact(frame.digest))).toEqual(['GET']);
      const again = await requestsOf(() => store.putArtifact(bytesOf('frame', 1000)));
      expect(again).toEqual(['PUT', 'HEAD']);
    }));
});

describe('large artifacts', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bivdiff-large-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('go in parts, from memory or a file, and are sent once', () =>
    withStore(async (store) => {
      const bytes = bytesOf('large', (33 << 20) + 5);
      const path = join(folder, 'in');
      await writeFile(path, bytes);
      const digest = await store.putArtifactFile(path);
      expect(digest).toBe(digestBytes(bytes));
      expect(await requestsOf(() => store.putArtifact(bytes))).toEqual(['HEAD']);
      expect(await requestsOf(() => store.putArtifactFile(path))).toEqual(['HEAD']);
      await store.getArtifactFile(digest, join(folder, 'out'));
      expect(Buffer.compare(await readFile(join(folder, 'out')), bytes)).toBe(0);
      const others = bytesOf('large too', (16 << 20) + 1);
      expect(digestBytes(await store.getArtifact(await store.putArtifact(others)))).toBe(
        digestBytes(others),
      );
      expect((await store.verify()).problems).toEqual([]);
    }));

  it('are all there or absent when a part fails', () =>
    withStore(async (store) => {
      const bytes = bytesOf('large', 20 << 20);
      let puts = 0;
      proxy.faultOf = ({ method }) => (method === 'PUT' && ++puts > 1 ? 'busy' : undefined);
      await failureOf(store.putArtifact(bytes), 'unavailable');
      proxy.faultOf = () => undefined;
      expect((await store.usage()).artifacts.count).toBe(0);
      expect(await store.putArtifact(bytes)).toBe(digestBytes(bytes));
    }));

  it('stop when the signal aborts, leaving nothing', () =>
    withStore(async (store) => {
      const path = join(folder, 'in');
      await writeFile(path, bytesOf('large', 20 << 20));
      const stop = new AbortController();
      proxy.faultOf = ({ method }) => {
        if (method === 'PUT') stop.abort();
        return undefined;
      };
      await failureOf(store.putArtifactFile(path, { signal: stop.signal }), 'cancelled');
      expect((await store.usage()).artifacts.count).toBe(0);
    }));
});

describe('opening', () => {
  it('refuses a server that ignores If-None-Match', async () => {
    proxy.faultOf = ({ method }) => (method === 'PUT' ? 'ignore-condition' : undefined);
    const error = await failureOf(
      withStore(async () => undefined),
      'failed-precondition',
    );
    expect(error.message).toContain('If-None-Match');
    expect(error.message).toContain(place);
    proxy.faultOf = () => undefined;
    await withStore(async (store) => {
      expect(await store.putDocument({ kind: 'spec', id: 'a' }, Buffer.from('1'))).toBe('created');
    });
  });

  it('leaves nothing but the format, and opens again', async () => {
    await (await openStore(place)).close();
    await (await openStore(`${place}/`)).close();
    expect((await filesOf()).filter((name) => name !== 'tmp')).toEqual(['format.json']);
  });

  it('refuses a prefix that holds something else, and a newer format', async () => {
    await (await openStore(`${place}/inner`)).close();
    const foreign = await failureOf(openStore(place), 'failed-precondition');
    expect(foreign.message).toContain('it holds inner');
    const format = join(server.folder, place.slice('s3://'.length), 'inner/format.json');
    await writeFile(format, '{"format":"bivdiff-store","version":2}');
    const newer = await failureOf(openStore(`${place}/inner`), 'failed-precondition');
    expect(newer.message).toContain('has format 2; this program knows up to 1');
  });

  it.each([
    's3:/bucket',
    's3://',
    's3:///prefix',
    's3://b',
    's3://Bucket/x',
    's3://bucket//x',
    's3://bucket/../x',
    's3://bucket/a b',
    'S3://bucket',
  ])('refuses the address %j', async (address) => {
    const error = await failureOf(openStore(address), 'invalid-argument');
    expect(error.message).toContain(address);
    expect(error.hint).toContain('s3://BUCKET/PREFIX');
  });

  it('names a bucket that is not there', async () => {
    const error = await failureOf(openStore('s3://no-such-bucket/x'), 'failed-precondition');
    expect(error.message).toContain('s3://no-such-bucket/x: NoSuchBucket');
    expect(error.hint).toContain('make the bucket first');
  });

  it.each([
    ['keys that are wrong', { AWS_SECRET_ACCESS_KEY: 'wrong' }, 'permission-denied', 'AWS_'],
    ['no keys', { AWS_ACCESS_KEY_ID: '' }, 'permission-denied', 'AWS_ACCESS_KEY_ID'],
    [
      'a server that is away',
      { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' },
      'unavailable',
      'AWS_ENDPOINT_URL_S3',
    ],
  ] as const)('names %s', async (...[, env, code, hint]) => {
    const before = { ...process.env };
    try {
      Object.assign(process.env, env);
      const error = await failureOf(openStore(place), code);
      expect(error.message).toContain(place);
      expect(error.message).not.toContain(server.env['AWS_SECRET_ACCESS_KEY']);
      expect(error.hint).toContain(hint);
    } finally {
      Object.assign(process.env, before);
    }
  });
});

describe('garbage collection', () => {
  const DAY_MS = 24 * 60 * 60 * 1000;

  /** Everything is ten days old; then `meanwhile` happens between its last look at a key and the removal of that. */
  async function collectWhile(
    beginning: string,
    meanwhile: (direct: Store) => Promise<unknown>,
  ): Promise<void> {
    const direct = await openStore(place);
    const root = join(server.folder, place.slice('s3://'.length));
    const longAgo = (Date.now() - 10 * DAY_MS) / 1000;
    for (const file of await filesOf()) await utimes(join(root, file), longAgo, longAgo);
    proxy.before = async ({ method, path }) => {
      if (method === 'DELETE' && path.includes(beginning)) await meanwhile(direct);
    };
    const nothing = { keepRecords: () => false, keepArtifacts: () => false };
    const options = { ...nothing, minAgeMs: DAY_MS, nowMs: Date.now(), dryRun: false };
    await withStore((store) => store.collectGarbage(options));
    proxy.before = async () => undefined;
    await direct.close();
  }

  it('puts back an artifact that is reused in the moment of its removal', async () => {
    const bytes = bytesOf('frame', 1000);
    const digest = await withStore((store) => store.putArtifact(bytes));
    let reused = 0;
    await collectWhile(`/artifacts/${digest.slice(0, 2)}/`, async (direct) => {
      reused++;
      await direct.putArtifact(bytes);
    });
    expect(reused).toBe(1);
    await withStore(async (store) => {
      expect(digestBytes(await store.getArtifact(digest))).toBe(digest);
      expect((await store.usage()).quarantine.count).toBe(0);
    });
  });

  it('puts back a record that is found by a survey in the moment of its removal', async () => {
    const bytes = bytesOf('frame', 1000);
    const frame = artifactOf(digestBytes(bytes), 1000);
    const record = recordOf('a', [frame]);
    await withStore(async (store) => {
      await store.putArtifact(bytes);
      await store.putRecord(record);
    });
    const found: unknown[] = [];
    await collectWhile('/records/', async (direct) => {
      found.push(await direct.getRecord(record.taskId, { checkArtifacts: true }));
    });
    expect(found).toEqual([record]);
    await withStore(async (store) => {
      expect(await store.getRecord(record.taskId, { checkArtifacts: true })).toEqual(record);
    });
  });

  it('does not put a record back over one that was committed since', async () => {
    const record = recordOf('a', []);
    const next = { ...record, worker: 'next' };
    await withStore((store) => store.putRecord(record));
    await collectWhile('/records/', async (direct) => {
      await direct.getRecord(record.taskId, { checkArtifacts: true });
      await direct.dropRecord(record.taskId);
      await direct.putRecord(next);
    });
    await withStore(async (store) => {
      expect(await store.getRecord(record.taskId)).toEqual(next);
    });
  });
});

describe('a network that fails', () => {
  /** The first time that it is asked for. */
  const once = (fault: 'lose-answer' | 'break-body' | 'busy', method: string): void => {
    let isDone = false;
    proxy.faultOf = (seen) => {
      if (isDone || seen.method !== method) return undefined;
      isDone = true;
      return fault;
    };
  };

  it('does not hide from a writer that its document was first', () =>
    withStore(async (store) => {
      once('lose-answer', 'PUT');
      const name = { kind: 'epoch', id: '1' } as const;
      expect(await store.putDocument(name, Buffer.from('mine'))).toBe('created');
      expect(await store.putDocument(name, Buffer.from('mine'))).toBe('exists');
    }));

  it('does not make a writer first that was not', () =>
    withStore(async (store) => {
      const name = { kind: 'epoch', id: '1' } as const;
      await store.putDocument(name, Buffer.from('theirs'));
      once('lose-answer', 'PUT');
      expect(await store.putDocument(name, Buffer.from('mine'))).toBe('exists');
    }));

  it('in mid-answer neither damages nor loses anything', () =>
    withStore(async (store) => {
      const bytes = bytesOf('frame', 3 << 20);
      const digest = await store.putArtifact(bytes);
      once('break-body', 'GET');
      expect(digestBytes(await store.getArtifact(digest))).toBe(digest);
      const folder = await mkdtemp(join(tmpdir(), 'bivdiff-broken-'));
      once('break-body', 'GET');
      await store.getArtifactFile(digest, join(folder, 'out'));
      expect(digestBytes(await readFile(join(folder, 'out')))).toBe(digest);
      proxy.faultOf = ({ method }) => (method === 'GET' ? 'break-body' : undefined);
      await failureOf(store.getArtifact(digest), 'unavailable');
      await failureOf(store.getArtifactFile(digest, join(folder, 'other')), 'unavailable');
      expect(await readdir(folder)).toEqual(['out']);
      await rm(folder, { recursive: true });
      proxy.faultOf = () => undefined;
      expect((await store.usage()).quarantine.count).toBe(0);
    }));

  it('is waited for when busy, but not for ever', () =>
    withStore(async (store) => {
      once('busy', 'PUT');
      await store.putArtifact(bytesOf('frame', 10));
      proxy.faultOf = () => 'busy';
      const error = await failureOf(store.getRecord(taskIdOf('a')), 'unavailable');
      expect(error.message).toContain(place);
      expect(error.retry).toBe('same-worker');
    }));
});

describe('processes', () => {
  it('create each of 100 tasks once when two commit the same', async () => {
    const tasks = 100;
    const children = ['one', 'two'].map((worker) =>
      startChild('store-committer.ts', [place, worker, String(tasks)]),
    );
    for (const child of children) await child.lines.next();
    for (const child of children) child.process.stdin.write('go\n');
    const reports = await Promise.all(
      children.map(
        async (child) =>
          JSON.parse((await child.output()).join('')) as {
            readonly created: readonly TaskId[];
            readonly found: Readonly<Record<string, unknown>>;
          },
      ),
    );
    const created = reports.flatMap((report) => report.created);
    expect(created).toHaveLength(tasks);
    expect(new Set(created).size).toBe(tasks);
    await withStore(async (store) => {
      for (const { found } of reports) {
        for (const [taskId, record] of Object.entries(found)) {
          expect(await store.getRecord(taskId as TaskId, { checkArtifacts: true })).toEqual(record);
        }
      }
      expect(await store.verify()).toEqual({
        checkedArtifacts: tasks,
        checkedRecords: tasks,
        problems: [],
      });
    });
  });
});
