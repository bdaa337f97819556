// The peers' half of the cluster bench: the same jobs on Ray and on BullMQ. By itself: `sh scripts/with-node.sh
// bench/cluster/peers/run-peers.ts [--json] [--only ray,bullmq] [--quick]`. What a peer needs is got by scripts/get-peers.sh; one that is not
// there is reported as not available.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { frameParallelBound, stageAwareBound } from '../bound.ts';
import {
  STAGED_GRAPH,
  WARM_UP_RUNS,
  type GraphRun,
  type NoopShape,
  type PeerReport,
  type PeerResult,
} from './peer-jobs.ts';
import { runPeer } from './peer-process.ts';
import { redisVersion, startRedis, type Durability } from './redis-server.ts';

const TIMEOUT_MS = 600_000;
const GET = 'sh scripts/get-peers.sh gets it';

export interface PeerOptions {
  /** No-op tasks of one batch. */
  readonly noopTasks: number;
  /** Batches measured; the median counts. */
  readonly noopBatches: number;
  readonly latencySamples: number;
  readonly warmUpRuns: number;
  /** Measured runs of the staged graph, and of its frames alone. */
  readonly runs: number;
}

export interface RayOptions extends PeerOptions {
  /** Ray's two ways to run a function: a task in whichever process is free, or a call of an actor, which has a process. */
  readonly workers: 'tasks' | 'actors';
}

export interface BullmqOptions extends PeerOptions {
  /** What Redis keeps on disk. */
  readonly durability: Durability;
}

/** Ray runs a task a process, so 64 slots of tasks would be 64 Python processes; actors can take several calls at once. */
const RAY_SHAPES: Readonly<Record<RayOptions['workers'], readonly NoopShape[]>> = {
  tasks: [
    { slots: 1, processes: 1 },
    { slots: 8, processes: 8 },
  ],
  actors: [
    { slots: 1, processes: 1 },
    { slots: 8, processes: 8 },
    { slots: 64, processes: 4 },
  ],
};

const BULLMQ_SHAPES: readonly NoopShape[] = [
  { slots: 1, processes: 1 },
  { slots: 8, processes: 4 },
  { slots: 64, processes: 4 },
];

/** Needs a Python with ray: $BIVDIFF_PYTHON, else python3. */
export async function runRay({ workers, ...options }: RayOptions): Promise<PeerResult> {
  const system = `ray-${workers}`;
  const python = process.env['BIVDIFF_PYTHON'] ?? 'python3';
  if (spawnSync(python, ['-c', 'import ray']).status !== 0) {
    const why = `${python} has no ray: ${GET}; BIVDIFF_PYTHON names the Python`;
    return { system, available: false, why };
  }
  const load = loadNote();
  const jobs = { ...options, workers, noop: RAY_SHAPES[workers], graph: STAGED_GRAPH };
  const script = join(import.meta.dirname, 'ray_peer.py');
  const report = (await runPeer([python, script, JSON.stringify(jobs)], TIMEOUT_MS)) as PeerReport;
  return resultOf(system, report, [
    load,
    'nothing is kept on disk',
    workers === 'tasks'
      ? 'no-op: one task a process; no figure for 64 slots, which would be 64 Python processes: on few cores slower than 8'
      : 'no-op: calls dealt out in turn; the 64 slots are 4 processes of async actors, 16 calls at once each',
    workers === 'tasks'
      ? 'graph: 12 worker processes, pools as resources'
      : 'graph: 12 actor processes, calls dealt out in turn, which suits tasks that take equally long',
  ]);
}

/** Needs redis-server on PATH, and the npm packages of package.json here, which it installs. */
export async function runBullmq({ durability, ...options }: BullmqOptions): Promise<PeerResult> {
  const system = `bullmq-${durability}`;
  const redis = redisVersion();
  if (redis === undefined) {
    return { system, available: false, why: `there is no redis-server on PATH: ${GET}` };
  }
  if (!bullmqIsInstalled()) {
    return { system, available: false, why: `npm could not install BullMQ: ${GET}` };
  }
  const load = loadNote();
  await using server = await startRedis(durability);
  const jobs = { ...options, noop: BULLMQ_SHAPES, graph: STAGED_GRAPH, redisPort: server.port };
  const script = join(import.meta.dirname, 'bullmq-peer.ts');
  const command = [process.execPath, script, JSON.stringify(jobs)] as const;
  const report = (await runPeer([...command], TIMEOUT_MS)) as PeerReport;
  return resultOf(system, { ...report, versions: { ...report.versions, redis } }, [
    load,
    `Redis keeps on disk: ${durability === 'none' ? 'nothing' : `append-only file, fsync ${durability}`}`,
    'no-op: addBulk; the caller counts completion events',
    'graph: FlowProducer; 12 worker processes of concurrency 1',
  ]);
}

function resultOf(system: string, report: PeerReport, notes: readonly string[]): PeerResult {
  const { pools } = STAGED_GRAPH;
  const staged = report.staged.map(({ makespanSeconds, ...tasks }): GraphRun => ({
    makespanSeconds,
    boundSeconds: stageAwareBound({ ...tasks, pools }),
  }));
  const frames = report.frameParallel.map(({ makespanSeconds, frames: seconds }): GraphRun => ({
    makespanSeconds,
    boundSeconds: frameParallelBound(seconds, pools[0]),
  }));
  const { versions, noop } = report;
  return {
    ...{ system, available: true, versions, noop },
    ...{ staged: { runs: staged }, frameParallel: { runs: frames }, notes },
  };
}

/** Installs them the first time, into node_modules here; the project's own packages stay free of them. */
function bullmqIsInstalled(): boolean {
  const installed = (): boolean =>
    ['bullmq', 'ioredis'].every((name) =>
      existsSync(join(import.meta.dirname, 'node_modules', name, 'package.json')),
    );
  if (!installed()) {
    const args = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
    spawnSync('npm', args, { cwd: import.meta.dirname, stdio: ['ignore', 2, 2] });
  }
  return installed();
}

function loadNote(): string {
  return `load average at its start ${loadavg()[0]!.toFixed(1)} on ${availableParallelism()} cores`;
}

/** Every peer, each in its variants, one after the other. */
export async function* runPeers(
  only: readonly string[],
  { quick }: { readonly quick: boolean },
): AsyncGenerator<PeerResult> {
  const options = quick
    ? { latencySamples: 50, warmUpRuns: 1, runs: 1, noopBatches: 1, noopTasks: 1_000 }
    : { latencySamples: 500, warmUpRuns: WARM_UP_RUNS, runs: 10, noopBatches: 3 };
  if (only.includes('ray')) {
    yield await runRay({ noopTasks: 5_000, ...options, workers: 'tasks' });
    yield await runRay({ noopTasks: 5_000, ...options, workers: 'actors' });
  }
  if (only.includes('bullmq')) {
    yield await runBullmq({ noopTasks: 10_000, ...options, durability: 'none' });
    yield await runBullmq({ noopTasks: 10_000, ...options, durability: 'everysec' });
    // Several times slower, so fewer.
    yield await runBullmq({ noopTasks: 2_000, ...options, durability: 'always' });
  }
}

/** What it did, for people. */
export function linesOf(result: PeerResult): string[] {
  const name = result.system.padEnd(16);
  if (!result.available) return [`${name} not available: ${result.why}`];
  const graphLine = (what: string, runs: readonly GraphRun[]): string => {
    const ratios = runs.map((run) => run.makespanSeconds / run.boundSeconds).sort((a, b) => a - b);
    const seconds = runs.map((run) => run.makespanSeconds).sort((a, b) => a - b);
    const middle = runs.length >> 1;
    return `${name} ${what}: ${seconds[middle]!.toFixed(3)} s (${seconds[0]!.toFixed(3)} to ${seconds.at(-1)!.toFixed(3)}), ${ratios[middle]!.toFixed(3)} times the bound (${ratios[0]!.toFixed(3)} to ${ratios.at(-1)!.toFixed(3)}), ${runs.length} runs`;
  };
  return [
    `${name} ${JSON.stringify(result.versions)}; ${result.notes.join('; ')}`,
    ...result.noop.map(
      (each) =>
        `${name} no-op, ${each.slots} slots in ${each.processes} processes: ${Math.round(each.tasksPerSecond)} tasks/s (${each.batches.map(Math.round).join(', ')}); one at a time p50 ${each.latencyP50Ms.toFixed(2)} ms, p99 ${each.latencyP99Ms.toFixed(2)} ms`,
    ),
    graphLine('staged graph', result.staged.runs),
    graphLine('frames alone', result.frameParallel.runs),
  ];
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: 'ray,bullmq' },
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
    },
  });
  const results: PeerResult[] = [];
  try {
    for await (const result of runPeers(values.only.split(','), { quick: values.quick })) {
      results.push(result);
      for (const line of linesOf(result)) (values.json ? console.error : console.log)(line);
    }
  } finally {
    // The figures of the peers before the one that failed are worth their minutes.
    if (values.json) console.log(JSON.stringify(results, undefined, 2));
  }
}
