// The store on S3 behaves as every store does, on a real server that speaks S3.

import { afterAll, beforeAll } from 'vitest';

import { BUCKET, createS3Harness } from '../../../support/conformance/s3-harness.ts';
import { describeStoreConformance } from '../../../support/conformance/store/store-conformance.ts';
import { BUILD_MS, startVersityGw } from '../../../support/network/versitygw.ts';
import type { VersityGw } from '../../../support/network/versitygw.ts';

let server: VersityGw;
beforeAll(async () => {
  server = await startVersityGw([BUCKET]);
  Object.assign(process.env, server.env);
}, BUILD_MS);
afterAll(() => server.close());

describeStoreConformance('S3 store', () => createS3Harness(server));
