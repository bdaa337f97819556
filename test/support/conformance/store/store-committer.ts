// A process that commits the same tasks as others do at the same time: `store-committer.ts PLACE WORKER TASKS`. Says
// "ready", waits for a line, and prints which tasks it created and which records it found instead.

import { once } from 'node:events';

import { openStore } from '../../../../common/store/open-store.ts';
import { artifactOf, recordOf } from '../results.ts';
import { bytesOf } from '../seed.ts';

const [place = '', worker = '', tasks = ''] = process.argv.slice(2);
const AT_ONCE = 16;

const store = await openStore(place);
process.stdout.write('ready\n');
await once(process.stdin, 'data');
process.stdin.destroy();

const created: string[] = [];
const found: Record<string, unknown> = {};
let next = 0;
const lane = async (): Promise<void> => {
  while (next < Number(tasks)) {
    const label = `task ${next++}`;
    const bytes = bytesOf(label, 2000);
    const frame = artifactOf(await store.putArtifact(bytes), bytes.length);
    const record = recordOf(label, [frame], { worker });
    const result = await store.putRecord(record);
    if (result.kind === 'created') created.push(record.taskId);
    else found[record.taskId] = result.record;
  }
};
await Promise.all(Array.from({ length: AT_ONCE }, lane));
await store.close();
process.stdout.write(`${JSON.stringify({ created, found })}\n`);
