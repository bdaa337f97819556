// A store on S3 whose server has no room left: says so, can still be read, and can be made room in. A real server on a real
// disk that is full.

import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';

import { digestBytes } from '../../../../common/digest.ts';
import { openS3Store } from '../../../../common/store/s3/index.ts';
import { smallDisk } from '../../../support/conformance/small-disk.ts';
import { artifactOf, recordOf } from '../../../support/conformance/results.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';
import { BUILD_MS, startVersityGw } from '../../../support/network/versitygw.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const BYTES = 300_000;

it(
  'says that it is full, is read, and takes more after a collection',
  { timeout: BUILD_MS },
  async (context) => {
    const disk = { means: '' };
    const server = await startVersityGw(['small'], {
      prefixFor: async (folder) => {
        const { means, prefix } = await smallDisk(folder, 'size=2m');
        disk.means = means;
        return means === 'tmpfs' ? prefix : [];
      },
    });
    try {
      // A limit on the size of files is no full disk.
      if (disk.means !== 'tmpfs') context.skip('this machine lets nobody mount a small disk');
      Object.assign(process.env, server.env);
      const store = await openS3Store('s3://small/store');
      const frame = artifactOf(await store.putArtifact(randomBytes(BYTES)), BYTES);
      const record = recordOf('a', [frame]);
      await store.putRecord(record);
      const fill = async (): Promise<void> => {
        for (;;) await store.putArtifact(randomBytes(BYTES));
      };
      const error = await failureOf(fill(), 'resource-exhausted');
      expect(error.message).toContain(`${BYTES} bytes are needed`);
      expect(error.hint).toContain('store gc');
      expect(await store.getRecord(record.taskId, { checkArtifacts: true })).toEqual(record);
      expect(digestBytes(await store.getArtifact(frame.digest))).toBe(frame.digest);

      const result = await store.collectGarbage({
        keepRecords: (taskId) => taskId === record.taskId,
        keepArtifacts: () => false,
        minAgeMs: DAY_MS,
        nowMs: Date.now() + 2 * DAY_MS,
        dryRun: false,
      });
      expect(result.removedArtifacts).toBeGreaterThan(2);
      await store.putArtifact(randomBytes(BYTES));
      expect(await store.getRecord(record.taskId, { checkArtifacts: true })).toEqual(record);
      expect((await store.verify()).problems).toEqual([]);
      await store.close();
    } finally {
      await server.close();
    }
  },
);
