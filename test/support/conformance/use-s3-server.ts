// A real S3 server for a test file, behind a proxy that tests can make fail; and a place of its own for each test.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach } from 'vitest';

import type { Store, StoreUpkeep } from '../../../common/store/ports.ts';
import { openS3Store } from '../../../common/store/s3/index.ts';
import { startS3Proxy } from '../network/s3-proxy.ts';
import type { S3Proxy } from '../network/s3-proxy.ts';
import { BUILD_MS, startVersityGw } from '../network/versitygw.ts';
import type { VersityGw } from '../network/versitygw.ts';
import { BUCKET } from './s3-harness.ts';

export interface S3Test {
  readonly server: VersityGw;
  readonly proxy: S3Proxy;
  /** `s3://BUCKET/PREFIX`, anew for each test. */
  place: string;
  /** Opens a store at the place, by way of the proxy. */
  withStore<T>(work: (store: Store & StoreUpkeep) => Promise<T>): Promise<T>;
  /** Methods of the requests that some work makes. */
  requestsOf(work: () => Promise<unknown>): Promise<string[]>;
  /** Paths of what the server has at the place. */
  filesOf(): Promise<string[]>;
}

/** `name`: of the part of the bucket for this file. */
export function useS3Server(name: string): S3Test {
  let count = 0;
  const started = {} as { server: VersityGw; proxy: S3Proxy };
  const test: S3Test = {
    place: '',
    get server() {
      return started.server;
    },
    get proxy() {
      return started.proxy;
    },
    withStore: async (work) => {
      const env = { ...process.env, AWS_ENDPOINT_URL_S3: started.proxy.url };
      const store = await openS3Store(test.place, env);
      try {
        return await work(store);
      } finally {
        await store.close();
      }
    },
    requestsOf: async (work) => {
      const before = started.proxy.seen.length;
      await work();
      return started.proxy.seen.slice(before).map(({ method }) => method);
    },
    filesOf: () =>
      readdir(join(started.server.folder, test.place.slice('s3://'.length)), { recursive: true }),
  };
  beforeAll(async () => {
    started.server = await startVersityGw([BUCKET]);
    Object.assign(process.env, started.server.env, { AWS_EC2_METADATA_DISABLED: 'true' });
    started.proxy = await startS3Proxy(started.server);
  }, BUILD_MS);
  afterAll(async () => {
    await started.proxy.close();
    await started.server.close();
  });
  beforeEach(() => {
    test.place = `s3://${BUCKET}/${name}/${count++}`;
    started.proxy.faultOf = () => undefined;
  });
  return test;
}
