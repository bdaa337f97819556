// A process that opens a graph from what is kept in a folder, or makes it, and prints what it computes, and what memory of its own
// that took: `node open-kept.ts GRAPH FOLDER`.

import { readFileSync } from 'node:fs';

import { digestBytes } from '../../../common/digest.ts';
import type { Digest } from '../../../common/task.ts';
import { openOnnxSession } from '../../../workers/inference/onnx/onnx-session.ts';
import { feedsOf } from './graph-feeds.ts';

/** Of memory that no file backs, and no process shares. */
function ownMebibytes(): number {
  const said = /^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(said?.[1]) / 1024;
}

const [graph = '', folder = ''] = process.argv.slice(2);
const kept = { folder, bytesMax: 2 ** 30, weightBytesMin: 0 };
const before = ownMebibytes();
const session = await openOnnxSession({
  ...{ name: 'the-part', digest: 'a'.repeat(64) as Digest, graph, threads: 1, kept },
});
const outputs = await session.run(feedsOf(session));
const taken = ownMebibytes() - before;
const digests = Object.entries(outputs).map(([name, { data }]) => {
  return [name, digestBytes(new Uint8Array(data.buffer))] as const;
});
process.stdout.write(JSON.stringify({ taken, outputs: Object.fromEntries(digests) }));
await session.release();
