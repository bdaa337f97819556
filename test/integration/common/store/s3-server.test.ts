// The store on S3 and its server: what a commit costs, and what lets a store open or refuses it. On a real server, behind a proxy.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { digestBytes } from '../../../../common/digest.ts';
import { openStore } from '../../../../common/store/open-store.ts';
import { artifactOf, recordOf } from '../../../support/conformance/results.ts';
import { bytesOf } from '../../../support/conformance/seed.ts';
import { useS3Server } from '../../../support/conformance/use-s3-server.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';

const s3 = useS3Server('server');

describe('requests', () => {
  it('are one for an artifact, one for a commit, one for a look', () =>
    s3.withStore(async (store) => {
      const frame = artifactOf(digestBytes(bytesOf('frame', 1000)), 1000);
      const other = artifactOf(digestBytes(bytesOf('other', 1000)), 1000);
      const record = recordOf('a', [frame, other]);
      expect(await s3.requestsOf(() => store.getRecord(record.taskId))).toEqual(['GET']);
      expect(await s3.requestsOf(() => store.putArtifact(bytesOf('frame', 1000)))).toEqual(['PUT']);
      await store.putArtifact(bytesOf('other', 1000));
      expect(await s3.requestsOf(() => store.putRecord(record))).toEqual(['PUT']);
      expect(await s3.requestsOf(() => store.getRecord(record.taskId))).toEqual(['GET']);
      const check = { checkArtifacts: true };
      const checked = await s3.requestsOf(() => store.getRecord(record.taskId, check));
      expect(checked).toEqual(['GET', 'HEAD', 'HEAD']);
      expect(await s3.requestsOf(() => store.getArtifact(frame.digest))).toEqual(['GET']);
      const again = await s3.requestsOf(() => store.putArtifact(bytesOf('frame', 1000)));
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
    s3.withStore(async (store) => {
      const bytes = bytesOf('large', (33 << 20) + 5);
      const path = join(folder, 'in');
      await writeFile(path, bytes);
      const digest = await store.putArtifactFile(path);
      expect(digest).toBe(digestBytes(bytes));
      expect(await s3.requestsOf(() => store.putArtifact(bytes))).toEqual(['HEAD']);
      expect(await s3.requestsOf(() => store.putArtifactFile(path))).toEqual(['HEAD']);
      await store.getArtifactFile(digest, join(folder, 'out'));
      expect(Buffer.compare(await readFile(join(folder, 'out')), bytes)).toBe(0);
      const others = bytesOf('large too', (16 << 20) + 1);
      expect(digestBytes(await store.getArtifact(await store.putArtifact(others)))).toBe(
        digestBytes(others),
      );
      expect((await store.verify()).problems).toEqual([]);
    }));

  it('are all there or absent when a part fails', () =>
    s3.withStore(async (store) => {
      const bytes = bytesOf('large', 20 << 20);
      let puts = 0;
      s3.proxy.faultOf = ({ method }) => (method === 'PUT' && ++puts > 1 ? 'busy' : undefined);
      await failureOf(store.putArtifact(bytes), 'unavailable');
      s3.proxy.faultOf = () => undefined;
      expect((await store.usage()).artifacts.count).toBe(0);
      expect(await store.putArtifact(bytes)).toBe(digestBytes(bytes));
    }));

  it('stop when the signal aborts, leaving nothing', () =>
    s3.withStore(async (store) => {
      const path = join(folder, 'in');
      await writeFile(path, bytesOf('large', 20 << 20));
      const stop = new AbortController();
      s3.proxy.faultOf = ({ method }) => {
        if (method === 'PUT') stop.abort();
        return undefined;
      };
      await failureOf(store.putArtifactFile(path, { signal: stop.signal }), 'cancelled');
      expect((await store.usage()).artifacts.count).toBe(0);
    }));
});

describe('opening', () => {
  it('refuses a server that ignores If-None-Match', async () => {
    s3.proxy.faultOf = ({ method }) => (method === 'PUT' ? 'ignore-condition' : undefined);
    const error = await failureOf(
      s3.withStore(async () => undefined),
      'failed-precondition',
    );
    expect(error.message).toContain('If-None-Match');
    expect(error.message).toContain(s3.place);
    s3.proxy.faultOf = () => undefined;
    await s3.withStore(async (store) => {
      expect(await store.putDocument({ kind: 'spec', id: 'a' }, Buffer.from('1'))).toBe('created');
    });
  });

  it('leaves nothing but the format, and opens again', async () => {
    await (await openStore(s3.place)).close();
    await (await openStore(`${s3.place}/`)).close();
    expect((await s3.filesOf()).filter((name) => name !== 'tmp')).toEqual(['format.json']);
  });

  it('refuses a prefix that holds something else, and a newer format', async () => {
    await (await openStore(`${s3.place}/inner`)).close();
    const foreign = await failureOf(openStore(s3.place), 'failed-precondition');
    expect(foreign.message).toContain('it holds inner');
    const format = join(s3.server.folder, s3.place.slice('s3://'.length), 'inner/format.json');
    await writeFile(format, '{"format":"bivdiff-store","version":2}');
    const newer = await failureOf(openStore(`${s3.place}/inner`), 'failed-precondition');
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
    expect(error.hint).toContain('Make the bucket first');
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
      const error = await failureOf(openStore(s3.place), code);
      expect(error.message).toContain(s3.place);
      expect(error.message).not.toContain(s3.server.env['AWS_SECRET_ACCESS_KEY']);
      expect(error.hint).toContain(hint);
    } finally {
      Object.assign(process.env, before);
    }
  });
});
