// A process that writes into a store until it is killed: `store-writer.ts FOLDER LABEL`. Prints every label whose record
// is committed.

import { openFileStore } from '../../../../common/store/file/index.ts';
import { artifactOf, recordOf } from '../results.ts';
import { bytesOf, numberOf } from '../seed.ts';

const [folder = '', run = ''] = process.argv.slice(2);
const store = await openFileStore(folder);
const source = bytesOf('source', 2 << 20);
let next = 0;

const lane = async (): Promise<void> => {
  for (;;) {
    const label = `${run}-${next++}`;
    // Mostly small; now and then so large that a kill is likely to hit in the middle of the write.
    const isLarge = numberOf(`is ${label} large`, 10) === 0;
    const length = numberOf(`length ${label}`, isLarge ? source.length : 20_000);
    const bytes = Buffer.concat([Buffer.from(label), source.subarray(0, length)]);
    const frame = artifactOf(await store.putArtifact(bytes), bytes.length);
    await store.putRecord(recordOf(label, [frame], { worker: run }));
    await store.putDocument({ kind: 'upload', id: `${run}/${label}` }, bytes.subarray(0, 5000));
    process.stdout.write(`${label}\n`);
  }
};
await Promise.all([lane(), lane(), lane(), lane()]);
