// Runs as a process: loads a graph as it is, or from what is kept in a folder, and prints what that took as JSON: `node load-graph.ts GRAPH THREADS [FOLDER]`.

import { readFileSync } from 'node:fs';

import type { Digest } from '../../common/task.ts';
import { openOnnxSession } from '../../workers/inference/onnx/onnx-session.ts';

const [graph = '', threads = '', folder] = process.argv.slice(2);
const keeping =
  folder === undefined
    ? {}
    : {
        digest: 'a'.repeat(64) as Digest,
        kept: { folder, bytesMax: Infinity, weightBytesMin: 0 },
      };

/** Of /proc/self/status, in GiB. */
function gib(name: string): number {
  const said = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(
    readFileSync('/proc/self/status', 'utf8'),
  );
  return Number(said?.[1]) / 2 ** 20;
}

const begunMs = performance.now();
const session = await openOnnxSession({ name: graph, graph, threads: Number(threads), ...keeping });
const seconds = (performance.now() - begunMs) / 1000;
const [peak, own] = [gib('VmHWM'), gib('RssAnon')];
await session.release();
process.stdout.write(JSON.stringify({ seconds, peak, own, left: gib('RssAnon') }));
