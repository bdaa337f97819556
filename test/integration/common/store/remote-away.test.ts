// Goal: a worker does not notice that its coordinator was away for some seconds. Method: a real server that is ended and started again.

import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { digestBytes, digestText } from '../../../../common/digest.ts';
import type { Store } from '../../../../common/store/ports.ts';
import { openRemoteStore } from '../../../../common/store/remote/index.ts';
import { openImpatient, StoreServer } from '../../../support/conformance/remote-store-harness.ts';
import { artifactOf, recordOf, taskIdOf } from '../../../support/conformance/results.ts';
import { bytesOf } from '../../../support/conformance/seed.ts';
import { useRemoteStore } from '../../../support/conformance/use-remote-store.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';

/** Longer than the pause before the third try, far shorter than patience. */
const AWAY_MS = 1_500;
const FILE_BYTES = 32 << 20;

const remote = useRemoteStore();

async function restart(): Promise<void> {
  remote.server.stop();
  await delay(AWAY_MS);
  await remote.server.start();
}

describe('remote store: a coordinator that is away', () => {
  it(
    'lets calls succeed that were under way, or begin meanwhile',
    { timeout: 60_000 },
    async () => {
      const store = await remote.kept(openRemoteStore(remote.server.address));
      const large = bytesOf('large', FILE_BYTES);
      await writeFile(join(remote.folder, 'in'), large);
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
          const digest = await store.putArtifactFile(join(remote.folder, 'in'));
          await store.getArtifactFile(digest, join(remote.folder, `out-${i}`));
          expect(Buffer.compare(await readFile(join(remote.folder, `out-${i}`)), large)).toBe(0);
          await rm(join(remote.folder, `out-${i}`));
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
      expect(await readdir(remote.folder)).toEqual(['in']);
    },
  );

  it('lists and reads documents that are asked for meanwhile', async () => {
    const store = await remote.kept(openRemoteStore(remote.server.address));
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
      cutOff(remote.served, 'putRecord', () => {
        cut.stop();
      }),
    );
    await cut.start();
    const store = await remote.kept(openRemoteStore(cut.address));
    const record = recordOf('a', []);
    const putting = store.putRecord(record);
    while ((await remote.served.getRecord(record.taskId)) === undefined) await delay(5);
    await delay(50);
    await cut.start();
    expect(await putting).toEqual({ kind: 'created' });
    expect(await store.putRecord(record)).toEqual({ kind: 'exists', record });
    cut.stop();
  });

  it('does not put a document twice, and says that it may be there', async () => {
    const cut = new StoreServer(
      cutOff(remote.served, 'putDocument', () => {
        cut.stop();
      }),
    );
    await cut.start();
    const store = await remote.kept(openRemoteStore(cut.address));
    const name = { kind: 'epoch', id: '1' } as const;
    const error = await failureOf(store.putDocument(name, Buffer.from('1')), 'unavailable');
    expect(error.message).toContain('putting document epoch/1');
    expect(error.message).toContain('nobody knows whether it was done');
    expect(await remote.served.getDocument(name)).toBeDefined();
  });

  it('gives up when patience ends, and says who is missing', async () => {
    const store = await remote.kept(openImpatient(remote.server.address));
    remote.server.stop();
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
      expect(error.message, what).toContain(remote.server.address);
      expect(error.retry).toBe('same-worker');
      expect(performance.now() - begun).toBeLessThan(5_000);
    }
  });

  it('ends its waiting when it is closed', async () => {
    const store = await openRemoteStore(remote.server.address);
    remote.server.stop();
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
    const { address } = remote.server;
    remote.server.stop();
    const opening = openRemoteStore(address);
    await delay(500);
    await remote.server.start();
    await (await opening).close();
    remote.server.stop();
    await failureOf(openImpatient(address), 'unavailable');
    const stop = new AbortController();
    const stopped = failureOf(openRemoteStore(address, { signal: stop.signal }), 'cancelled');
    stop.abort();
    await stopped;
  });
});

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
