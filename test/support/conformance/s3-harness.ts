// The store on S3 for the conformance suite: each test has a prefix of its own on a server that keeps objects as files,
// so that they can be damaged behind its back, as a disk would.

import { existsSync, utimesSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openS3Store } from '../../../common/store/s3/index.ts';
import type { VersityGw } from '../network/versitygw.ts';
import { storedPath } from './store/store-harness.ts';
import type { StoreHarness } from './store/store-harness.ts';

export const BUCKET = 'bivdiff';
let count = 0;

export async function createS3Harness(
  server: VersityGw,
): Promise<StoreHarness & { readonly place: string; readonly folder: string }> {
  const prefix = `test/store-${count++}`;
  const place = `s3://${BUCKET}/${prefix}`;
  const folder = join(server.folder, BUCKET, prefix);
  return {
    place,
    folder,
    store: await openS3Store(place),
    openAgain: () => openS3Store(place),
    rewrite: async (what, change) => {
      const path = storedPath(folder, what);
      const changed = change(new Uint8Array(await readFile(path)));
      if (changed === undefined) await rm(path);
      else await writeFile(path, changed);
    },
    setAge: (what, changedMs) => {
      const mark = storedPath(join(folder, 'used'), what);
      for (const path of [storedPath(folder, what), mark]) {
        if (path !== mark || existsSync(path)) utimesSync(path, changedMs / 1000, changedMs / 1000);
      }
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}
