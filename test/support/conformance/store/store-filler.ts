// A process that fills the disk under a store and says how the store bears it: `store-filler.ts FOLDER BIG_FILE`. Prints
// one line of JSON, a `FillReport`.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { openFileStore } from '../../../../common/store/file/index.ts';
import { artifactOf, recordOf } from '../results.ts';
import { seenFailure } from '../seen-failure.ts';
import type { SeenFailure } from '../seen-failure.ts';
import { bytesOf } from '../seed.ts';

export interface FillReport {
  /** By what was tried; undefined where it succeeded. */
  readonly failures: Readonly<
    Record<'artifact' | 'file' | 'record' | 'document', SeenFailure | undefined>
  >;
  readonly temporaryFiles: number;
  /** What was stored before is sound and can be read. */
  readonly isIntact: boolean;
  /** After garbage was collected, an artifact could be put again. */
  readonly isUsable: boolean;
}

const FIRST_BYTES = 50_000;
const [folder = '', bigFile = ''] = process.argv.slice(2);
const store = await openFileStore(folder);
const first = await store.putArtifact(bytesOf('first', FIRST_BYTES));
const record = recordOf('first', [artifactOf(first, FIRST_BYTES)]);
await store.putRecord(record);

let count = 0;
const fill = (bytes: number): Promise<SeenFailure | undefined> =>
  failureOf(async () => {
    // The bound is for what no limit stops: small files where only the size of files is limited.
    for (let i = 0; i < 300; i++) await store.putArtifact(bytesOf(`filling ${count++}`, bytes));
  });

const file = await failureOf(() => store.putArtifactFile(bigFile));
const artifact = (await fill(500_000)) ?? (await fill(20_000));
await fill(4_000);
const failures = {
  artifact,
  file,
  record: await failureOf(() => store.putRecord(recordOf('late', []))),
  document: await failureOf(() =>
    store.putDocument({ kind: 'spec', id: 'late' }, bytesOf('document', 10_000)),
  ),
};
const temporaryFiles = (await readdir(join(folder, 'tmp'))).length;
const { problems } = await store.verify();
const isIntact =
  problems.length === 0 &&
  (await store.getRecord(record.taskId, { checkArtifacts: true })) !== undefined &&
  (await store.getArtifact(first)).byteLength === FIRST_BYTES;
await store.collectGarbage({
  keepRecords: (taskId) => taskId === record.taskId,
  keepArtifacts: () => false,
  minAgeMs: 0,
  nowMs: Date.now() + 60_000,
  dryRun: false,
});
const isUsable =
  (await failureOf(() => store.putArtifact(bytesOf('again', 100_000)))) === undefined;
await store.close();
const report: FillReport = { failures, temporaryFiles, isIntact, isUsable };
process.stdout.write(`${JSON.stringify(report)}\n`);

async function failureOf(action: () => Promise<unknown>): Promise<SeenFailure | undefined> {
  try {
    await action();
    return undefined;
  } catch (reason) {
    return seenFailure(reason);
  }
}
