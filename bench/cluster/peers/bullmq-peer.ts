// The jobs of the cluster bench on BullMQ: `bullmq-peer.ts OPTIONS`, run by run-peers.ts against a Redis of its own. Prints one JSON object.
// Everything is measured where the caller is: from just before the first call to BullMQ until the caller has had the event of the last
// completion. Workers are processes (bullmq-worker.ts). Jobs are removed once complete, as BullMQ advises.

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { FlowProducer, Queue, QueueEvents } from 'bullmq';

import { BivdiffError } from '../../../common/errors.ts';
import type { NoopFigures, NoopShape, PeerJobs, PeerReport } from './peer-jobs.ts';

const LATENCY_WARM_UP = 50;
/** Jobs of one call of addBulk: it is one transaction, and workers wait while Redis carries it out. */
const BULK = 1_000;
/** Events that Redis keeps for the caller to read: four a job, and losing one would mean waiting for ever. */
const EVENTS_KEPT = 1_000_000;

const jobs = JSON.parse(process.argv[2]!) as PeerJobs & { readonly redisPort: number };
const connection = { host: '127.0.0.1', port: jobs.redisPort };
let names = 0;

/** What is sent to one queue, and when each of it is known to be done. */
class Watched {
  readonly queue: Queue;
  /** Results by job id, of the batch that is being waited for. */
  results = new Map<string, unknown>();
  readonly #events: QueueEvents;
  #expected = Infinity;
  #done: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(name: string) {
    this.queue = new Queue(name, { connection, streams: { events: { maxLen: EVENTS_KEPT } } });
    // From the stream's beginning: read from "now" on, events before the first read would be missed.
    this.#events = new QueueEvents(name, { connection, lastEventId: '0-0' });
    this.#events.on('completed', ({ jobId, returnvalue }) => {
      this.results.set(jobId, returnvalue);
      if (this.results.size === this.#expected) this.#done.resolve();
    });
    this.#events.on('failed', ({ failedReason }) => {
      this.#done.reject(new BivdiffError('internal', `a BullMQ job failed: ${failedReason}`));
    });
  }

  async ready(): Promise<void> {
    await Promise.all([this.queue.waitUntilReady(), this.#events.waitUntilReady()]);
  }

  /** Forgets the batch before; resolves when so many jobs are known to be done. Call it before they are sent. */
  expect(count: number): Promise<void> {
    this.results = new Map();
    this.#expected = count;
    this.#done = Promise.withResolvers();
    return this.#done.promise;
  }

  async close(): Promise<void> {
    await Promise.all([this.queue.close(), this.#events.close()]);
  }
}

const report: PeerReport = {
  versions: { bullmq: versionOf('bullmq'), ioredis: versionOf('ioredis'), node: process.version },
  noop: [],
  staged: [],
  frameParallel: [],
};
const noop: NoopFigures[] = [];
for (const shape of jobs.noop) noop.push(await measureNoop(shape));
console.log(JSON.stringify({ ...report, noop, ...(await measureGraph()) }));

async function measureNoop(shape: NoopShape): Promise<NoopFigures> {
  const name = `noop-${(names += 1)}`;
  const watched = new Watched(name);
  await watched.ready();
  const workers = await startWorkers(name, shape.processes, shape.slots / shape.processes);
  const batch = async (): Promise<number> => {
    const begunMs = performance.now();
    const done = watched.expect(jobs.noopTasks);
    for (let sent = 0; sent < jobs.noopTasks; sent += BULK) {
      const count = Math.min(BULK, jobs.noopTasks - sent);
      await watched.queue.addBulk(Array.from({ length: count }, () => sleepJob(0)));
    }
    await done;
    return (1000 * jobs.noopTasks) / (performance.now() - begunMs);
  };
  await batch();
  const batches: number[] = [];
  for (let measured = 0; measured < jobs.noopBatches; measured += 1) batches.push(await batch());
  const latenciesMs: number[] = [];
  for (let sent = 0; sent < LATENCY_WARM_UP + jobs.latencySamples; sent += 1) {
    const begunMs = performance.now();
    const done = watched.expect(1);
    const { name: jobName, data, opts } = sleepJob(0);
    // Not waited for by itself: the completion is what counts, and it may come first.
    await Promise.all([watched.queue.add(jobName, data, opts), done]);
    latenciesMs.push(performance.now() - begunMs);
  }
  await Promise.all([stopWorkers(workers), watched.close()]);
  const measuredMs = latenciesMs.slice(LATENCY_WARM_UP);
  return {
    ...shape,
    tasksPerSecond: percentile(batches, 0.5),
    batches,
    latencyP50Ms: percentile(measuredMs, 0.5),
    latencyP99Ms: percentile(measuredMs, 0.99),
  };
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * values.length)]!;
}

async function measureGraph(): Promise<Pick<PeerReport, 'staged' | 'frameParallel'>> {
  const stages = ['idm', 'mixer', 'vdm'] as const;
  const [idm, mixer, vdm] = stages.map((stage) => new Watched(stage)) as [
    Watched,
    Watched,
    Watched,
  ];
  const flows = new FlowProducer({ connection });
  await Promise.all([idm.ready(), mixer.ready(), vdm.ready(), flows.waitUntilReady()]);
  const workers = await Promise.all(
    stages.map((stage, at) => startWorkers(stage, jobs.graph.pools[at]!, 1)),
  );
  const staged: PeerReport['staged'][number][] = [];
  const frameParallel: PeerReport['frameParallel'][number][] = [];
  const runs = jobs.warmUpRuns + jobs.runs;
  for (let run = 0; run < runs; run += 1)
    staged.push(await stagedRun(run, { idm, mixer, vdm, flows }));
  for (let run = 0; run < runs; run += 1) frameParallel.push(await frameRun(idm));
  await Promise.all([
    stopWorkers(workers.flat()),
    ...[idm, mixer, vdm, flows].map((each) => each.close()),
  ]);
  return {
    staged: staged.slice(jobs.warmUpRuns),
    frameParallel: frameParallel.slice(jobs.warmUpRuns),
  };
}

interface Pools {
  readonly idm: Watched;
  readonly mixer: Watched;
  readonly vdm: Watched;
  readonly flows: FlowProducer;
}

/** One flow a chunk: smoothing, whose child is the mix, whose children are the frames. */
async function stagedRun(
  run: number,
  { idm, mixer, vdm, flows }: Pools,
): Promise<PeerReport['staged'][number]> {
  const { chunks, framesPerChunk, frameMs, mixMs, smoothMs } = jobs.graph;
  const chunkIds = Array.from({ length: chunks }, (_, chunk) => `${run}-${chunk}`);
  const frameIdsOf = (chunk: string): string[] =>
    Array.from({ length: framesPerChunk }, (_, frame) => `${chunk}-${frame}`);
  const graph = chunkIds.map((chunk) => ({
    ...{ ...sleepJob(smoothMs, `v${chunk}`), queueName: 'vdm' },
    children: [
      {
        ...{ ...sleepJob(mixMs, `m${chunk}`), queueName: 'mixer' },
        children: frameIdsOf(chunk).map((id) => ({
          ...sleepJob(frameMs, `f${id}`),
          queueName: 'idm',
        })),
      },
    ],
  }));
  const earlier = [idm.expect(chunks * framesPerChunk), mixer.expect(chunks)];
  const done = vdm.expect(chunks);
  const begunMs = performance.now();
  await Promise.all([flows.addBulk(graph), done]);
  const makespanSeconds = (performance.now() - begunMs) / 1000;
  await Promise.all(earlier);
  const secondsOf = (watched: Watched, id: string): number => watched.results.get(id) as number;
  return {
    makespanSeconds,
    frames: chunkIds.map((chunk) => frameIdsOf(chunk).map((id) => secondsOf(idm, `f${id}`))),
    mixes: chunkIds.map((chunk) => secondsOf(mixer, `m${chunk}`)),
    smooths: chunkIds.map((chunk) => secondsOf(vdm, `v${chunk}`)),
  };
}

async function frameRun(idm: Watched): Promise<PeerReport['frameParallel'][number]> {
  const { chunks, framesPerChunk, frameMs } = jobs.graph;
  const frames = Array.from({ length: chunks * framesPerChunk }, () => sleepJob(frameMs));
  const done = idm.expect(frames.length);
  const begunMs = performance.now();
  await Promise.all([idm.queue.addBulk(frames), done]);
  return {
    makespanSeconds: (performance.now() - begunMs) / 1000,
    frames: [...idm.results.values()] as number[],
  };
}

function sleepJob(ms: number, jobId?: string) {
  return {
    name: 'task',
    data: { ms },
    opts: { removeOnComplete: true, ...(jobId === undefined ? {} : { jobId }) },
  };
}

/** Resolves when every process takes jobs. */
async function startWorkers(
  queue: string,
  processes: number,
  concurrency: number,
): Promise<ChildProcess[]> {
  const workers = Array.from({ length: processes }, () =>
    fork(join(import.meta.dirname, 'bullmq-worker.ts'), [
      ...[String(jobs.redisPort), queue, String(concurrency)],
    ]),
  );
  await Promise.all(
    workers.map(async (worker) => {
      const [said] = (await Promise.race([
        once(worker, 'message'),
        once(worker, 'exit'),
      ])) as unknown[];
      if (said !== 'ready') throw new BivdiffError('internal', 'a BullMQ worker did not start');
    }),
  );
  return workers;
}

async function stopWorkers(workers: readonly ChildProcess[]): Promise<void> {
  await Promise.all(
    workers.map(async (worker) => {
      const ended = once(worker, 'exit');
      worker.disconnect();
      await ended;
    }),
  );
}

function versionOf(name: string): string {
  const path = join(import.meta.dirname, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
