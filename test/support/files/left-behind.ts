// A program that makes temporary things and then waits to be killed: a source from a store, a folder of its own, and what is written
// beside an output. Prints their paths, one a line.
//   node left-behind.ts STORE DIGEST OUTPUTS

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ownName } from '../../../common/files/leftovers.ts';
import { makeTemporaryFolder } from '../../../common/files/temporary-folder.ts';
import { openFileStore } from '../../../common/store/file/index.ts';
import type { Digest } from '../../../common/task.ts';
import { SourceCache } from '../../../workers/stages/source-cache.ts';

const [store = '', digest = '', outputs = ''] = process.argv.slice(2);
const sources = new SourceCache(await openFileStore(store));
const held = await sources.hold({ kind: 'video', digest: digest as Digest });
const { path } = await makeTemporaryFolder('assemble');
await writeFile(join(path, 'output.mp4'), 'half of a video');
const beside = join(outputs, await ownName('.bivdiff-', '.tmp'));
await writeFile(beside, 'half of an output');
process.stdout.write(`${[held.path, path, beside].join('\n')}\n`);
setInterval(() => undefined, 1_000_000);
