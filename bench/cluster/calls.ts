// How long a coordinator's calls take on a large farm: its start over 100,000 log documents, pages of 20,000 jobs, a cancel of 4,000 tasks,
// what others wait meanwhile, and what 2,000 live jobs take of memory. A real nats-server, a store in a folder, gRPC.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import type { FarmClient } from '../../cli/farm/farm-client.ts';
import { canonicalJson } from '../../common/canonical-json.ts';
import { digestText } from '../../common/digest.ts';
import { encodeDocument } from '../../common/store/envelope.ts';
import { openFileStore } from '../../common/store/file/index.ts';
import { jobIdOf } from '../../coordinator/domain/accept.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { benchJob } from '../bench-job.ts';
import { CallFarm, until, withFolder } from './call-farm.ts';

const JOBS = 20_000;
const PAGE = 100;
const CANCELLED_TASKS = 4_000;
const LIVE_JOBS = 2_000;
const LIVE_FRAMES = 200;
/** So many that all these jobs are live at once: each has 150 tasks until its frames are drawn. */
const LIVE_SLOTS = 160_000;
/** No worker is of it: tasks of its jobs are in queues of their own. */
const ELSEWHERE = { inference: 'elsewhere', media: 'elsewhere', plain: 'elsewhere' };

export interface CallFigures {
  readonly documents: number;
  readonly startSeconds: number;
  readonly jobs: number;
  /** The slowest page, and all of them. */
  readonly pageMilliseconds: number;
  readonly listSeconds: number;
  readonly cancelledTasks: number;
  readonly cancelSeconds: number;
  /** The same where each queue has tasks of another job too. */
  readonly cancelBesideOthersSeconds: number;
  /** The slowest call about another job while the cancel was under way. */
  readonly meanwhileMilliseconds: number;
}

export interface MemoryFigures {
  readonly liveJobs: number;
  readonly tasks: number;
  /** Of this process, which is coordinator and store. */
  readonly residentMiB: number;
}

export async function measureCalls(): Promise<CallFigures> {
  return withFolder(async (folder) => {
    await putOldJobs(folder);
    const farm = await CallFarm.start(folder, CANCELLED_TASKS);
    try {
      const { pageMilliseconds, listSeconds } = await measureList(farm.client);
      const alone = await measureCancel(farm, 7, ELSEWHERE);
      const besideOthers = await measureCancel(farm, 8, benchJob(1).numerics);
      const { startSeconds } = farm;
      return {
        ...{ documents: JOBS * LOG.length, startSeconds, jobs: JOBS },
        ...{ pageMilliseconds, listSeconds, cancelledTasks: CANCELLED_TASKS },
        cancelSeconds: alone.seconds,
        cancelBesideOthersSeconds: besideOthers.seconds,
        meanwhileMilliseconds: Math.max(alone.meanwhileMs, besideOthers.meanwhileMs),
      };
    } finally {
      await farm.close();
    }
  });
}

/** Runs `measureMemory` in a process that has done nothing else. */
export async function measureMemoryApart(): Promise<MemoryFigures> {
  const program = join(import.meta.dirname, 'memory-process.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [program]);
  return JSON.parse(stdout) as MemoryFigures;
}

export async function measureMemory(): Promise<MemoryFigures> {
  return withFolder(async (folder) => {
    const farm = await CallFarm.start(folder, LIVE_SLOTS);
    try {
      let tasks = 0;
      for (let seed = 1; seed <= LIVE_JOBS; seed += 1) {
        const job = { ...benchJob(LIVE_FRAMES), seed };
        await farm.coordinator.submit(job, { name: `job ${seed}`, priority: 50 });
      }
      const live = () => farm.coordinator.list().filter(({ active }) => active !== undefined);
      await until(() => live().length === LIVE_JOBS);
      for (const { active } of live()) tasks += active!.graph.size;
      await delay(1_000);
      const residentMiB = Math.round(process.memoryUsage().rss / 2 ** 20);
      return { liveJobs: LIVE_JOBS, tasks, residentMiB };
    } finally {
      await farm.close();
    }
  });
}

async function measureList(client: FarmClient) {
  let pageMilliseconds = 0;
  const begunMs = performance.now();
  let pageMs = begunMs;
  let jobs = 0;
  for await (const page of client.pages({ pageSize: PAGE })) {
    pageMilliseconds = Math.max(pageMilliseconds, performance.now() - pageMs);
    jobs += page.length;
    pageMs = performance.now();
  }
  assert.equal(jobs, JOBS);
  return { pageMilliseconds, listSeconds: (performance.now() - begunMs) / 1000 };
}

async function measureCancel(
  { coordinator, client, bus }: CallFarm,
  seed: number,
  numerics: AcceptedJob['numerics'],
): Promise<{ readonly seconds: number; readonly meanwhileMs: number }> {
  // One opening task a frame; nobody pulls.
  const job = { ...benchJob(CANCELLED_TASKS), frameBatch: 1, seed };
  const other = { ...benchJob(16), seed: seed + 100, numerics };
  const { jobId: otherId } = await coordinator.submit(other, { name: 'other', priority: 95 });
  const { jobId } = await coordinator.submit(job, { name: 'large', priority: 90 });
  await until(() => (coordinator.get(jobId).active?.run.outCount ?? 0) >= CANCELLED_TASKS);
  await bus.connection.flush();
  await delay(1_000);
  const state = { isOver: false };
  let meanwhileMs = 0;
  const begunMs = performance.now();
  let seconds = 0;
  const cancelled = client.cancel(jobId).finally(() => {
    seconds = (performance.now() - begunMs) / 1000;
    state.isOver = true;
  });
  for (let n = 0; !state.isOver; n += 1) {
    const askedMs = performance.now();
    await client.setPriority(otherId, n % 100);
    meanwhileMs = Math.max(meanwhileMs, performance.now() - askedMs);
    await delay(10);
  }
  await cancelled;
  return { seconds, meanwhileMs };
}

/** What happened to each of the old jobs. */
const LOG = [
  { kind: 'submitted', name: 'an old job', priority: 50, source: 'clip.mp4' },
  { kind: 'paused' },
  { kind: 'resumed' },
  { kind: 'priority', priority: 60 },
  { kind: 'done', seconds: 12 },
] as const;

/** Writes them as a store has them: through the store it would take minutes, each on the disk before the next. */
async function putOldJobs(folder: string): Promise<void> {
  const store = await openFileStore(join(folder, 'store'));
  await store.close();
  const documents = join(folder, 'store', 'documents');
  const put = (kind: string, id: string, value: unknown): Promise<void> =>
    writeFile(
      join(documents, kind, `${id}@doc`),
      encodeDocument(Buffer.from(canonicalJson(value as never))),
    );
  await mkdir(join(documents, 'manifest'), { recursive: true });
  const first = benchJob(16);
  const artifact = { digest: digestText('video'), bytes: 1_000_000, type: 'video/mp4' };
  for (let seed = 1; seed <= JOBS; seed += 1) {
    const job = { ...first, seed: 1_000_000 + seed };
    const id = jobIdOf(job);
    await mkdir(join(documents, 'job-event', id), { recursive: true });
    const entries = LOG.map((entry, n) =>
      put('job-event', `${id}/${String(n).padStart(6, '0')}`, { ...entry, atMs: seed * 10 + n }),
    );
    const outputs = [{ params: first.outputs[0], artifacts: [artifact] }];
    const stages = { generate: { tasks: 4, run: 4, reused: 0 } };
    const manifest = put('manifest', id, { jobId: id, job, outputs, metrics: {}, stages });
    await Promise.all([...entries, manifest]);
  }
}
