// Part of the store's conformance suite: artifacts.

import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { digestBytes, digestText } from '../../../../common/digest.ts';
import { bytesOf } from '../seed.ts';
import type { StoreHarness } from './store-harness.ts';
import { cutTo, failureOf, flipBit, remove, useStore } from './use-store.ts';

const SIZES = [0, 1, 4096, 70_000, 9 << 20];

export function describeArtifacts(makeStore: () => Promise<StoreHarness>): void {
  const current = useStore(makeStore);
  describeBytes(current);
  describeDamage(current);
  describeFiles(current);
  describeStreams(current);
}

function describeBytes(current: () => StoreHarness): void {
  it.each(SIZES)('gives back %i bytes under their SHA-256', async (length) => {
    const { store, openAgain } = current();
    const bytes = bytesOf('artifact', length);
    const digest = await store.putArtifact(bytes);
    expect(digest).toBe(digestBytes(bytes));
    const other = await openAgain();
    expect(Buffer.compare(await other.getArtifact(digest), bytes)).toBe(0);
    expect(await other.hasArtifact(digest)).toBe(true);
    await other.syncArtifact(digest);
    await other.close();
  });

  it('gives bytes that the caller may change and view as floats', async () => {
    const { store } = current();
    const digest = await store.putArtifact(new Uint8Array(new Float32Array([1, 2, 3]).buffer));
    const bytes = await store.getArtifact(digest);
    expect([...new Float32Array(bytes.buffer, bytes.byteOffset, 3)]).toEqual([1, 2, 3]);
    bytes.fill(0);
    expect(digestBytes(await store.getArtifact(digest))).toBe(digest);
  });

  it('keeps what it was given when the caller changes it afterwards', async () => {
    const { store } = current();
    const bytes = new Uint8Array(bytesOf('artifact', 100));
    const digest = await store.putArtifact(bytes);
    bytes.fill(0);
    expect(digestBytes(await store.getArtifact(digest))).toBe(digest);
  });

  it('keeps one of what eight writers put at once', async () => {
    const { store, openAgain } = current();
    const bytes = bytesOf('artifact', 200_000);
    const writers = await Promise.all(Array.from({ length: 8 }, openAgain));
    const digests = await Promise.all(writers.map((writer) => writer.putArtifact(bytes)));
    expect(new Set(digests)).toEqual(new Set([digestBytes(bytes)]));
    expect((await store.usage()).artifacts).toEqual({ count: 1, bytes: 200_000 });
    await Promise.all(writers.map((writer) => writer.close()));
  });

  it('takes a thousand at once', async () => {
    const { store } = current();
    const all = Array.from({ length: 1000 }, (_, i) => bytesOf(`artifact ${i}`, 300));
    const digests = await Promise.all(all.map((bytes) => store.putArtifact(bytes)));
    expect(digests).toEqual(all.map(digestBytes));
    expect((await store.usage()).artifacts.count).toBe(1000);
  });
}

function describeDamage(current: () => StoreHarness): void {
  it('says which artifact is absent', async () => {
    const { store } = current();
    const digest = digestText('never put');
    const error = await failureOf(store.getArtifact(digest), 'data-loss');
    expect(error.details).toEqual({ digest });
    expect(error.message).toContain(digest);
    expect(await store.hasArtifact(digest)).toBe(false);
  });

  it.each([
    ['a flipped bit', flipBit(70_000 >> 1)],
    ['a cut end', cutTo(69_999)],
    ['nothing left', cutTo(0)],
    ['another byte at the end', (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.from('x')])],
  ])('finds %s, moves the bytes aside and takes good ones again', async (_, damage) => {
    const { store, rewrite } = current();
    const bytes = bytesOf('artifact', 70_000);
    const digest = await store.putArtifact(bytes);
    await rewrite({ area: 'artifacts', name: digest }, damage);
    const error = await failureOf(store.getArtifact(digest), 'data-loss');
    expect(error.details).toEqual({ digest });
    expect((await store.usage()).quarantine.count).toBe(1);
    expect(await store.hasArtifact(digest)).toBe(false);

    await store.putArtifact(bytes);
    expect(Buffer.compare(await store.getArtifact(digest), bytes)).toBe(0);
  });

  it.each([100, 70_000])('heals a torn one of %i bytes when it is put again', async (length) => {
    const { store, rewrite } = current();
    const bytes = bytesOf('artifact', length);
    const digest = await store.putArtifact(bytes);
    await rewrite({ area: 'artifacts', name: digest }, cutTo(length - 10));
    expect(await store.putArtifact(bytes)).toBe(digest);
    expect(Buffer.compare(await store.getArtifact(digest), bytes)).toBe(0);
    expect((await store.usage()).quarantine.count).toBe(1);
  });

  it('tells all of many readers of a damaged one, and moves it aside once', async () => {
    const { store, rewrite, openAgain } = current();
    const digest = await store.putArtifact(bytesOf('artifact', 50_000));
    await rewrite({ area: 'artifacts', name: digest }, flipBit(7));
    const readers = await Promise.all(Array.from({ length: 8 }, openAgain));
    await Promise.all(readers.map((reader) => failureOf(reader.getArtifact(digest), 'data-loss')));
    expect((await store.usage()).quarantine.count).toBe(1);
    await Promise.all(readers.map((reader) => reader.close()));
  });
}

function describeStreams(current: () => StoreHarness): void {
  const read = async (stream: AsyncIterable<Uint8Array>): Promise<Buffer> => {
    const pieces: Uint8Array[] = [];
    for await (const piece of stream) pieces.push(piece);
    // Only now: a piece stays as it is when the next is read.
    return Buffer.concat(pieces);
  };

  it.each([...SIZES, 4 << 20, (9 << 20) + 5])(
    'streams %i bytes from any offset on',
    async (length) => {
      const { store } = current();
      const bytes = Buffer.from(bytesOf('stream', length));
      const digest = await store.putArtifact(bytes);
      for (const offset of [0, 1, length >> 1, length - 1, length, length + 1, length + 1e9]) {
        if (offset < 0) continue;
        const streamed = await read(store.streamArtifact(digest, offset));
        expect(streamed.equals(bytes.subarray(offset))).toBe(true);
      }
      expect((await read(store.streamArtifact(digest))).equals(bytes)).toBe(true);
    },
  );

  it('tells who streams a damaged artifact, and moves it aside', async () => {
    const { store, rewrite } = current();
    const digest = await store.putArtifact(bytesOf('stream', 5 << 20));
    await rewrite({ area: 'artifacts', name: digest }, flipBit(-1));
    await failureOf(read(store.streamArtifact(digest)), 'data-loss');
    expect((await store.usage()).quarantine.count).toBe(1);
    await failureOf(read(store.streamArtifact(digest)), 'data-loss');
    await failureOf(read(store.streamArtifact(digest, 5)), 'data-loss');
  });

  it('lets others go on while many streams are read by nobody', async () => {
    const { store } = current();
    const digest = await store.putArtifact(bytesOf('stream', 5 << 20));
    const streams = Array.from({ length: 100 }, () => {
      return store.streamArtifact(digest)[Symbol.asyncIterator]();
    });
    await Promise.all(streams.map((stream) => stream.next()));
    expect(await store.hasArtifact(digest)).toBe(true);
    for (const stream of streams) await stream.return?.();
  });
}

function describeFiles(current: () => StoreHarness): void {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bivdiff-files-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it.each(SIZES)('puts and fetches a file of %i bytes', async (length) => {
    const { store } = current();
    const bytes = bytesOf('file', length);
    await writeFile(join(folder, 'in'), bytes);
    const digest = await store.putArtifactFile(join(folder, 'in'));
    expect(digest).toBe(digestBytes(bytes));
    expect(await store.putArtifactFile(join(folder, 'in'))).toBe(digest);
    expect((await store.usage()).artifacts).toEqual({ count: 1, bytes: length });
    await store.getArtifactFile(digest, join(folder, 'out'));
    expect(Buffer.compare(await readFile(join(folder, 'out')), bytes)).toBe(0);
    expect((await readdir(folder)).sort()).toEqual(['in', 'out']);
  });

  it('refuses to write over a file', async () => {
    const { store } = current();
    const digest = await store.putArtifact(bytesOf('file', 10));
    await writeFile(join(folder, 'out'), 'mine');
    await failureOf(store.getArtifactFile(digest, join(folder, 'out')), 'already-exists');
    expect(await readFile(join(folder, 'out'), 'utf8')).toBe('mine');
    expect(await readdir(folder)).toEqual(['out']);
  });

  it('leaves no file when the artifact is damaged or absent', async () => {
    const { store, rewrite } = current();
    const digest = await store.putArtifact(bytesOf('file', 3 << 20));
    await rewrite({ area: 'artifacts', name: digest }, flipBit(-1));
    await failureOf(store.getArtifactFile(digest, join(folder, 'out')), 'data-loss');
    await failureOf(store.getArtifactFile(digest, join(folder, 'out')), 'data-loss');
    expect(await readdir(folder)).toEqual([]);
    expect((await store.usage()).quarantine.count).toBe(1);
  });

  it('names the file that it cannot read or write', async () => {
    const { store } = current();
    const absent = join(folder, 'absent.mp4');
    expect((await failureOf(store.putArtifactFile(absent), 'not-found')).message).toContain(absent);
    const error = await failureOf(store.putArtifactFile(folder), 'invalid-argument');
    expect(error.message).toContain('it is a folder');
    const digest = await store.putArtifact(bytesOf('file', 10));
    const target = join(folder, 'no', 'such', 'out');
    const failure = await failureOf(store.getArtifactFile(digest, target), 'not-found');
    expect(failure.message).toContain(target);
  });

  it('stops when the signal aborts, leaving nothing', async () => {
    const { store } = current();
    await writeFile(join(folder, 'in'), bytesOf('file', 5 << 20));
    const signal = AbortSignal.abort();
    await failureOf(store.putArtifactFile(join(folder, 'in'), { signal }), 'cancelled');
    expect((await store.usage()).artifacts.count).toBe(0);
  });

  it('forgets an artifact that is removed behind its back', async () => {
    const { store, rewrite } = current();
    const digest = await store.putArtifact(bytesOf('file', 10));
    await rewrite({ area: 'artifacts', name: digest }, remove);
    expect(await store.hasArtifact(digest)).toBe(false);
    await failureOf(store.getArtifact(digest), 'data-loss');
  });
}
