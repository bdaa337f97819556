// `npm run bench:loading -- GRAPH.onnx ...`: how long each graph takes to load as it is, while it is kept, and from what is kept, in turn, each in a
// process of its own. Medians; memory in GiB: the peak of loading, what is the process's own once it is loaded, and once it is released.
// Writes up to twice the weights in float32 of each into the folder of temporary files. Linux.

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';

import { NODE_ENVIRONMENT } from '../../common/node-flags.ts';

interface Loading {
  readonly seconds: number;
  readonly peak: number;
  readonly own: number;
  readonly left: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
  },
});

async function load(graph: string, folder?: string): Promise<Loading> {
  const script = join(import.meta.dirname, 'load-graph.ts');
  const words = [script, graph, values.threads, ...(folder === undefined ? [] : [folder])];
  const { stdout } = await promisify(execFile)(process.execPath, words, {
    env: { ...process.env, ...NODE_ENVIRONMENT },
  });
  return JSON.parse(stdout) as Loading;
}

function line(name: string, loadings: readonly Loading[]): string {
  const median = (of: (loading: Loading) => number): number =>
    loadings.map(of).sort((a, b) => a - b)[Math.floor(loadings.length / 2)]!;
  const memory = [
    `peak ${median(({ peak }) => peak).toFixed(2)}`,
    `own ${median(({ own }) => own).toFixed(2)}`,
    `released ${median(({ left }) => left).toFixed(2)} GiB`,
  ];
  return `  ${name}: ${median(({ seconds }) => seconds).toFixed(1)} s, ${memory.join(', ')}\n`;
}

for (const graph of positionals.map((path) => resolve(path))) {
  // Beside one another, so that both come from the same disk.
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-loading-'));
  try {
    const made = await load(graph, folder);
    const [plain, kept]: [Loading[], Loading[]] = [[], []];
    for (let round = 0; round < Number(values.rounds); round += 1) {
      plain.push(await load(graph));
      kept.push(await load(graph, folder));
    }
    process.stdout.write(`${graph}\n${line('as it is', plain)}`);
    process.stdout.write(line('while it is kept', [made]) + line('from what is kept', kept));
    const files = await readdir(folder, { recursive: true });
    const sizes = await Promise.all(
      files.map(async (name) => (await stat(join(folder, name))).size),
    );
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    process.stdout.write(`  on disk: ${(bytes / 2 ** 30).toFixed(2)} GiB\n`);
  } finally {
    await rm(folder, { recursive: true });
  }
}
