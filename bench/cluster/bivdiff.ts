// bivdiff's half of the cluster bench: the jobs of peers/peer-jobs.ts on a real nats-server, real worker processes and a file store,
// by the dispatcher, bus, store and worker loop that farms run.

import { equal } from 'node:assert/strict';
import { loadavg } from 'node:os';

import type { WorkerEvent } from '../../common/bus/ports.ts';
import { openFileStore } from '../../common/store/file/index.ts';
import type { Pool, TaskId } from '../../common/task.ts';
import type { TaskGraph } from '../../coordinator/domain/task-graph.ts';
import { BenchFarm } from './bench-farm.ts';
import type { WorkerProcess } from './bench-farm.ts';
import { frameParallelBound, stageAwareBound } from './bound.ts';
import { chainGraph, framesGraph, noopGraph, stagedGraph } from './graph.ts';
import { STAGED_GRAPH } from './peers/peer-jobs.ts';
import type { GraphRun, NoopFigures, NoopShape, PeerResult } from './peers/peer-jobs.ts';

const SHAPES: readonly NoopShape[] = [
  { slots: 1, processes: 1 },
  { slots: 8, processes: 4 },
  { slots: 64, processes: 4 },
];
/** Tasks of the control share: so long that what comes between them is all that is not theirs. */
const LONG_TASK_MS = 1_000;
const LONG_TASKS = 40;
const LONG_SLOTS = 8;

export interface BivdiffOptions {
  readonly noopTasks: number;
  readonly noopBatches: number;
  readonly latencySamples: number;
  readonly warmUpRuns: number;
  readonly runs: number;
}

export type BivdiffResult = Extract<PeerResult, { available: true }> & {
  /** Share of wall time that is not the tasks' own, for tasks of one second. */
  readonly controlShare: number;
};

export async function runBivdiff(options: BivdiffOptions): Promise<BivdiffResult> {
  const load = `load average at its start ${loadavg()[0]!.toFixed(1)}`;
  const noop: NoopFigures[] = [];
  for (const shape of SHAPES) noop.push(await measureNoop(shape, options));
  const { staged, frameParallel } = await measureGraphs(options);
  return {
    system: 'bivdiff',
    available: true,
    versions: { node: process.version },
    noop,
    staged: { runs: staged },
    frameParallel: { runs: frameParallel },
    controlShare: await measureControlShare(),
    notes: [
      load,
      'no-op: from publish to the result record in the file store; every task was begun once and its record read back and checked',
      'graph: 12 worker processes of one slot',
    ],
  };
}

async function measureNoop(shape: NoopShape, options: BivdiffOptions): Promise<NoopFigures> {
  const { slots, processes } = shape;
  const farm = await BenchFarm.start(workers(processes, ['idm'], slots / processes));
  try {
    // One slot is slower; a batch shall not take a minute.
    const tasks = slots === 1 ? Math.ceil(options.noopTasks / 8) : options.noopTasks;
    const batches: number[] = [];
    for (let batch = 0; batch <= options.noopBatches; batch += 1) {
      const rate = await runBatch(farm, noopGraph(`no-op ${batch}`, tasks));
      if (batch > 0) batches.push(rate);
    }
    const latencies = await measureLatency(farm, options.latencySamples);
    return {
      ...shape,
      tasksPerSecond: middle(batches),
      batches,
      latencyP50Ms: quantile(latencies, 0.5),
      latencyP99Ms: quantile(latencies, 0.99),
    };
  } finally {
    await farm.close();
  }
}

/** Tasks a second; afterwards each task must have been begun once, and have one record that a process of its own can read. */
async function runBatch(farm: BenchFarm, graph: TaskGraph): Promise<number> {
  const begun = new Map<TaskId, number>();
  const seconds = await farm.run(graph, (_, event) => {
    if (event.kind === 'started') begun.set(event.taskId, (begun.get(event.taskId) ?? 0) + 1);
  });
  const store = await openFileStore(farm.storeFolder);
  for (let task = 0; task < graph.size; task += 1) {
    const id = graph.plan.id(graph.ref(task));
    equal(begun.get(id), 1, `task ${id} was not begun once`);
    equal((await store.getRecord(id))?.taskId, id, `task ${id} has no record`);
  }
  await store.close();
  return graph.size / seconds;
}

/** Milliseconds from a task's publishing until its result is known here, each task after the one before. */
async function measureLatency(farm: BenchFarm, samples: number): Promise<number[]> {
  const settledMs: number[] = [];
  await farm.run(chainGraph('chain', samples + 1), (_, event) => {
    if (event.kind === 'committed') settledMs.push(performance.now());
  });
  // A task is published in the same instant in which the one before it settles.
  return settledMs.slice(1).map((ms, i) => ms - settledMs[i]!);
}

async function measureGraphs({ warmUpRuns, runs }: BivdiffOptions) {
  const [idm, mixer, vdm] = STAGED_GRAPH.pools;
  const farm = await BenchFarm.start([
    ...workers(idm, ['idm'], 1),
    ...workers(mixer, ['mixer'], 1),
    ...workers(vdm, ['vdm'], 1),
  ]);
  const { chunks, framesPerChunk, frameMs } = STAGED_GRAPH;
  const staged: GraphRun[] = [];
  const frameParallel: GraphRun[] = [];
  try {
    for (let run = -warmUpRuns; run < runs; run += 1) {
      const whole = await runMeasured(farm, stagedGraph(`staged ${run}`, STAGED_GRAPH));
      const [frames = [], mixes = [], smooths = []] = whole.seconds;
      const chunked = Array.from({ length: chunks }, (_, chunk) =>
        frames.slice(chunk * framesPerChunk, (chunk + 1) * framesPerChunk),
      );
      const { pools } = STAGED_GRAPH;
      const bound = stageAwareBound({ frames: chunked, mixes, smooths, pools });
      const alone = await runMeasured(
        farm,
        framesGraph(`frames ${run}`, chunks * framesPerChunk, frameMs),
      );
      if (run < 0) continue;
      staged.push({ makespanSeconds: whole.makespanSeconds, boundSeconds: bound });
      const framesBound = frameParallelBound(alone.seconds[0]!, idm);
      frameParallel.push({ makespanSeconds: alone.makespanSeconds, boundSeconds: framesBound });
    }
  } finally {
    await farm.close();
  }
  return { staged, frameParallel };
}

interface MeasuredRun {
  readonly makespanSeconds: number;
  /** How long each task slept, by stage in the graph's order and index. */
  readonly seconds: readonly (readonly number[])[];
}

async function runMeasured(farm: BenchFarm, graph: TaskGraph): Promise<MeasuredRun> {
  const { plan } = graph;
  const seconds = plan.nodes.map(({ count }) => new Array<number>(count).fill(0));
  const note = (task: number, event: WorkerEvent): void => {
    if (event.kind !== 'committed') return;
    const { node, index } = graph.ref(task);
    seconds[plan.nodes.findIndex(({ name }) => name === node)]![index] = event.result.busySeconds;
  };
  return { makespanSeconds: await farm.run(graph, note), seconds };
}

async function measureControlShare(): Promise<number> {
  const farm = await BenchFarm.start(workers(LONG_SLOTS, ['idm'], 1));
  try {
    await farm.run(noopGraph('warm-up', 2_000));
    const run = await runMeasured(farm, framesGraph('long', LONG_TASKS, LONG_TASK_MS));
    return 1 - frameParallelBound(run.seconds[0]!, LONG_SLOTS) / run.makespanSeconds;
  } finally {
    await farm.close();
  }
}

function workers(processes: number, pools: readonly Pool[], slots: number): WorkerProcess[] {
  return Array.from({ length: processes }, () => ({ pools, slots }));
}

function middle(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
