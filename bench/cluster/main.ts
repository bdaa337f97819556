// `npm run bench:cluster`: bivdiff's control plane beside Ray and BullMQ on the same machine, in one run. `--json` prints one JSON object;
// `--only bivdiff,ray,bullmq` runs some; `--quick` is a look in a minute or two.

import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';

import { runBivdiff } from './bivdiff.ts';
import type { BivdiffResult } from './bivdiff.ts';
import { linesOf, runPeers } from './peers/run-peers.ts';
import type { GraphRun, PeerResult } from './peers/peer-jobs.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'bivdiff,ray,bullmq' },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
});
const only = values.only.split(',');
const say = values.json ? console.error : console.log;

const results: (PeerResult | BivdiffResult)[] = [];
const note = (result: PeerResult | BivdiffResult): void => {
  results.push(result);
  for (const line of linesOf(result)) say(line);
};

say(`${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, ${process.version}`);
say(
  `load average at the start: ${loadavg()
    .map((load) => load.toFixed(1))
    .join(', ')}`,
);
try {
  if (only.includes('bivdiff')) {
    const bivdiff = await runBivdiff(
      values.quick
        ? { noopTasks: 4_000, noopBatches: 1, latencySamples: 50, runs: 1 }
        : { noopTasks: 20_000, noopBatches: 3, latencySamples: 500, runs: 10 },
    );
    note(bivdiff);
    say(`bivdiff          control share of a task of 1 s: ${percent(bivdiff.controlShare)}`);
  }
  for await (const result of runPeers(only, { quick: values.quick })) note(result);
} finally {
  // The figures before one that failed are worth their minutes.
  if (values.json) console.log(JSON.stringify(summary(), undefined, 2));
}

/** Peers by their most favourable variant that keeps nothing on disk; `systems` has them all. */
function summary(): Record<string, unknown> {
  const noopTasksPerSecond: Record<string, number> = {};
  const makespanOverBound: Record<string, number> = {};
  const frameParallelOverBound: Record<string, number> = {};
  const chosen = { bivdiff: 'bivdiff', ray: 'ray-tasks', bullmq: 'bullmq-none' };
  for (const [name, system] of Object.entries(chosen)) {
    const result = results.find((one) => one.system === system);
    if (result?.available !== true) continue;
    noopTasksPerSecond[name] = result.noop.at(-1)!.tasksPerSecond;
    makespanOverBound[name] = medianRatio(result.staged.runs);
    frameParallelOverBound[name] = medianRatio(result.frameParallel.runs);
  }
  return { noopTasksPerSecond, makespanOverBound, frameParallelOverBound, systems: results };
}

function medianRatio(runs: readonly GraphRun[]): number {
  const ratios = runs
    .map(({ makespanSeconds, boundSeconds }) => makespanSeconds / boundSeconds)
    .sort((a, b) => a - b);
  return ratios[ratios.length >> 1]!;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
