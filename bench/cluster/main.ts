// `npm run bench:cluster`: bivdiff's control plane beside Ray and BullMQ on the same machine, in one run, and how a farm moves bytes and recovers.
// `--json` prints one JSON object; `--only bivdiff,ray,bullmq,restart,recovery,retry,beats,gather,calls,memory,tenants` runs some (tenants only if
// named); `--quick` is a look in a minute or two.

import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';

import { measureBeats } from './beats.ts';
import { runBivdiff } from './bivdiff.ts';
import type { BivdiffResult } from './bivdiff.ts';
import { measureCalls, measureMemoryApart } from './calls.ts';
import { measureArtifactThroughput, measureGather } from './gather.ts';
import { linesOf, runPeers } from './peers/run-peers.ts';
import { WARM_UP_RUNS } from './peers/peer-jobs.ts';
import type { GraphRun, PeerResult } from './peers/peer-jobs.ts';
import { measureRecovery } from './recovery.ts';
import { measureRestart } from './restart.ts';
import { measureRetries } from './retry.ts';
import { measureTenants } from './tenants.ts';

const { values } = parseArgs({
  options: {
    only: {
      type: 'string',
      default: 'bivdiff,ray,bullmq,restart,recovery,retry,beats,gather,calls,memory',
    },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
});
const only = values.only.split(',');
const say = values.json ? console.error : console.log;

const more: Record<string, unknown> = {};
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
        ? { noopTasks: 4_000, noopBatches: 1, latencySamples: 50, warmUpRuns: 1, runs: 1 }
        : {
            noopTasks: 20_000,
            noopBatches: 3,
            latencySamples: 500,
            warmUpRuns: WARM_UP_RUNS,
            runs: 10,
          },
    );
    note(bivdiff);
    say(`bivdiff          control share of a task of 1 s: ${percent(bivdiff.controlShare)}`);
  }
  await measureFarm();
  for await (const result of runPeers(only, { quick: values.quick })) note(result);
} finally {
  // The figures before one that failed are worth their minutes.
  if (values.json) console.log(JSON.stringify(summary(), undefined, 2));
}

async function measureFarm(): Promise<void> {
  if (only.includes('restart')) {
    const figures = await measureRestart();
    more['restart'] = figures;
    say(
      `restart          ${figures.jobs} active jobs of 1,000 frames: first message after ${figures.firstPublishSeconds.toFixed(2)} s, all ${figures.tasksReady} ready tasks as before after ${figures.allActiveSeconds.toFixed(2)} s`,
    );
  }
  if (only.includes('calls')) {
    const figures = await measureCalls();
    more['calls'] = figures;
    say(
      `calls            start with ${figures.documents} log documents ${figures.startSeconds.toFixed(2)} s; list of ${figures.jobs} jobs ${figures.pageMilliseconds.toFixed(0)} ms a page at most, ${figures.listSeconds.toFixed(1)} s in all`,
    );
    say(
      `calls            cancel of ${figures.cancelledTasks} queued tasks ${figures.cancelSeconds.toFixed(2)} s, beside those of another job ${figures.cancelBesideOthersSeconds.toFixed(2)} s; another job's call meanwhile ${figures.meanwhileMilliseconds.toFixed(0)} ms at most`,
    );
  }
  if (only.includes('memory')) {
    const figures = await measureMemoryApart();
    more['memory'] = figures;
    say(
      `memory           ${figures.liveJobs} live jobs, ${figures.tasks} tasks: ${figures.residentMiB} MiB`,
    );
  }
  if (only.includes('recovery')) {
    const figures = await measureRecovery();
    more['recovery'] = figures;
    const list = (seconds: readonly number[]): string =>
      seconds.map((one) => one.toFixed(1)).join(', ');
    say(
      `recovery         seconds from SIGKILL to the next task: worker ${list(figures.workerSeconds)}; coordinator ${list(figures.coordinatorSeconds)}; nats-server ${list(figures.natsSeconds)}`,
    );
    const cancels = figures.cancels.map(
      (one) => `${one.milliseconds.toFixed(0)} (a step ${one.stepMilliseconds.toFixed(0)})`,
    );
    say(`recovery         ms from cancel to the device idle: ${cancels.join(', ')}`);
  }
  if (only.includes('retry')) {
    const waitedMs = await measureRetries(200);
    const at = (share: number): string => waitedMs[Math.floor(share * waitedMs.length)]!.toFixed(1);
    more['retry'] = { waitedMs };
    say(
      `retry            ms from a failure to the next worker's attempt: p50 ${at(0.5)}, p99 ${at(0.99)}`,
    );
  }
  if (only.includes('beats')) {
    const figures = await measureBeats(1_000);
    more['beats'] = figures;
    const { workers, seen, beatBytes, bytesPerSecond, messagesPerSecond } = figures;
    say(
      `beats            ${workers} workers (${seen} seen), ${beatBytes} bytes each: ${(bytesPerSecond / 1e6).toFixed(2)} MB/s and ${messagesPerSecond.toFixed(0)} messages/s into and out of nats-server`,
    );
  }
  if (only.includes('tenants')) {
    const figures = await measureTenants();
    more['tenants'] = figures;
    for (const [owner, shares] of Object.entries(figures.shares)) {
      say(`tenants          share of ${owner} at each tenth: ${shares.map(percent).join(', ')}`);
    }
    say(
      `tenants          ${figures.jobsDone} jobs done in ${figures.seconds.toFixed(1)} s, ${figures.jobsWaiting} wait for workers; longest inversion ${figures.longestInversion.toFixed(2)} tasks`,
    );
  }
  if (only.includes('gather')) {
    const gather = await measureGather();
    const throughput = await measureArtifactThroughput();
    Object.assign(more, { gather, throughput });
    say(`gather           ms for the latents of a window: ${JSON.stringify(gather)}`);
    say(`artifacts        MB/s over gRPC: ${JSON.stringify(throughput)}`);
  }
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
  return {
    noopTasksPerSecond,
    makespanOverBound,
    frameParallelOverBound,
    systems: results,
    ...more,
  };
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
