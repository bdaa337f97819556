// A memory store behind a real StoreServer for each test, remote stores that are closed after it, and a folder.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach } from 'vitest';

import { createMemoryStore } from '../../../common/store/memory/index.ts';
import type { MemoryStore } from '../../../common/store/memory/index.ts';
import type { Store } from '../../../common/store/ports.ts';
import { StoreServer } from './remote-store-harness.ts';

export interface RemoteStoreTest {
  /** What the server serves. */
  readonly served: MemoryStore;
  readonly server: StoreServer;
  readonly folder: string;
  /** Closed after the test. */
  kept<T extends Store>(opening: Promise<T>): Promise<T>;
}

export function useRemoteStore(): RemoteStoreTest {
  const opened: Store[] = [];
  const kept = async <T extends Store>(opening: Promise<T>): Promise<T> => {
    const store = await opening;
    opened.push(store);
    return store;
  };
  const test = { kept } as { -readonly [K in keyof RemoteStoreTest]: RemoteStoreTest[K] };
  beforeEach(async () => {
    test.served = createMemoryStore();
    test.server = new StoreServer(test.served);
    await test.server.start();
    test.folder = await mkdtemp(join(tmpdir(), 'bivdiff-remote-'));
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    test.server.stop();
    await rm(test.folder, { recursive: true, force: true });
  });
  return test;
}
