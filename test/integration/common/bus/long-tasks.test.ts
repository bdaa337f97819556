// Goal: a task that reads more than fits into a message reaches the stage with all of it, on every bus; and what a server will never take ends
// its job at once, in words that help. Method: real servers with their own limit and with a small one, real worker loops.

import { afterEach, describe, expect, it } from 'vitest';

import { startNatsServer } from '../../../../cli/programs/nats-server.ts';
import { createMemoryBus } from '../../../../common/bus/memory/index.ts';
import { openNatsBus } from '../../../../common/bus/nats/index.ts';
import type { Bus, WorkerEvent } from '../../../../common/bus/ports.ts';
import { queueOfStage } from '../../../../common/placement.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import type { Store } from '../../../../common/store/ports.ts';
import type { InputPart, JobId, Task, TaskId } from '../../../../common/task.ts';
import { DEFAULT_FAILURE_POLICY } from '../../../../coordinator/domain/failure-policy.ts';
import { createPlan, tasksOfStage } from '../../../../coordinator/domain/plan.ts';
import { createTaskGraph } from '../../../../coordinator/domain/task-graph.ts';
import { systemClock } from '../../../../coordinator/ports.ts';
import { wantedTasks } from '../../../../coordinator/run/active-job.ts';
import { JobRun } from '../../../../coordinator/run/job-run.ts';
import { PublishedTasks } from '../../../../coordinator/run/published-tasks.ts';
import { runWorker } from '../../../../workers/worker.ts';
import { runScriptedWorker } from '../../../support/farm/scripted-worker.ts';
import { acceptedJob } from '../../../support/jobs.ts';
import { taskIdOf, taskOf } from '../../../support/conformance/results.ts';

const ACK_WAIT_MS = 10_000;
const PARTS = 50_000;

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function openNats(settings: readonly string[] = []): Promise<Bus> {
  const server = await startNatsServer({ settings });
  ends.push(() => server.close());
  const bus = await openNatsBus({ servers: [server.url], name: 'test', ackWaitMs: ACK_WAIT_MS });
  ends.push(() => bus.close());
  return bus;
}

async function openMemory(): Promise<Bus> {
  const bus = createMemoryBus({ ackWaitMs: ACK_WAIT_MS });
  ends.push(() => bus.close());
  return bus;
}

/** About 6 MB as JSON, 1.7 MB as proto: more than a server takes if nothing else is said. */
function longTask(): Task {
  const part = (_: unknown, index: number): InputPart => {
    const task = index.toString(16).padStart(64, '0') as TaskId;
    return { task, output: 'frames', offset: index % 3, count: 1 };
  };
  const frames = Array.from({ length: PARTS }, (_, frame) => frame);
  const inputs = { smoothed: Array.from({ length: PARTS }, part) };
  return { ...taskOf('long'), inputs, frames };
}

interface Farm {
  readonly bus: Bus;
  readonly store: Store;
  readonly task: Task;
  readonly out: PublishedTasks;
  readonly troubles: Error[];
  /** What the stage was given. */
  readonly given: Promise<Task>;
}

function openFarm(bus: Bus): Farm {
  const store = createMemoryStore();
  const troubles: Error[] = [];
  const out = new PublishedTasks({
    ...{ bus, store, clock: systemClock, slotsOf: () => 1 },
    onTrouble: (error) => troubles.push(error),
  });
  const stop = new AbortController();
  const { promise: given, resolve } = Promise.withResolvers<Task>();
  const task = longTask();
  const working = runWorker(
    {
      ...{ name: 'w', bus, store, slots: 1, ackWaitMs: ACK_WAIT_MS },
      queues: [queueOfStage(task.stage, task.numericsClass)],
      runTask: (whole, { onDevice }) =>
        onDevice(async () => {
          resolve(whole);
          return { outputs: {}, busySeconds: 0 };
        }),
    },
    stop.signal,
  );
  ends.push(() => {
    stop.abort();
    return working;
  });
  return { bus, store, task, out, troubles, given };
}

function publish({ out, task }: Farm): void {
  const queue = queueOfStage(task.stage, task.numericsClass);
  const place = { queue, pool: 'idm', numericsKey: 'test' } as const;
  out.add({ jobId: 'j' as JobId, owner: '' }, { task, attempt: 1, excludedWorkers: [] }, place);
}

async function putResult(store: Store, { id: taskId, stage, numericsClass }: Task): Promise<void> {
  const bytes = Buffer.from(taskId);
  const digest = await store.putArtifact(bytes);
  const frames = [{ digest, bytes: bytes.length, type: 'image/png' } as const];
  const by = { worker: 'w', attempt: 1, startedAt: '', seconds: 1, busySeconds: 1 };
  await store.putRecord({ taskId, stage, numericsClass, outputs: { frames }, ...by });
}

async function nextEnd(bus: Bus): Promise<WorkerEvent> {
  for await (const event of bus.events(new AbortController().signal)) {
    if (event.kind === 'committed' || event.kind === 'failed') return event;
  }
  throw new Error('the bus was closed');
}

describe.each([
  ['memory', openMemory],
  ['NATS', () => openNats()],
])('on the %s bus', (_, open) => {
  it('a task that reads 50,000 parts reaches the stage whole', async () => {
    const farm = openFarm(await open());
    const ended = nextEnd(farm.bus);
    publish(farm);
    await farm.out.settled();
    expect(farm.troubles).toEqual([]);
    const { inputs, ...rest } = await farm.given;
    const { inputs: expected, ...others } = farm.task;
    expect(rest).toEqual(others);
    expect(JSON.stringify(inputs) === JSON.stringify(expected)).toBe(true);
    expect(await ended).toMatchObject({ kind: 'committed', taskId: taskIdOf('long') });
  });

  it('one whose list the store has lost is tried again, and listed again', async () => {
    const farm = openFarm(await open());
    const ended = nextEnd(farm.bus);
    const { getArtifact } = farm.store;
    farm.store.getArtifact = (digest) => {
      farm.store.getArtifact = getArtifact;
      return getArtifact.call(farm.store, digest.replaceAll(/./g, '0') as typeof digest);
    };
    publish(farm);
    const event = await ended;
    expect(event).toMatchObject({ failure: { code: 'unavailable', retry: 'same-worker' } });
    const again = nextEnd(farm.bus);
    farm.out.again({ task: farm.task, attempt: 2, excludedWorkers: [] });
    expect(await again).toMatchObject({ kind: 'committed', attempt: 2 });
  });
});

it('a job of 3,000 frames, each a batch, that is rendered is assembled by a server as README starts it', async () => {
  const bus = await openNats();
  const store = createMemoryStore();
  const troubles: Error[] = [];
  const out = new PublishedTasks({
    ...{ bus, store, clock: systemClock, slotsOf: () => 1 },
    onTrouble: (error) => troubles.push(error),
  });
  // Side by side with what the clip was made from: three pictures for each frame.
  const outputs = [{ layout: 'comparison', format: 'mp4', framesPerSecond: 8 }] as const;
  const cut = { frames: 3_000, frameBatch: 1, window: 1_024 };
  const plan = createPlan(acceptedJob({ ...cut, outputs }));
  for (const stage of ['annotate', 'generate', 'decode', 'measure'] as const) {
    for (const ref of tasksOfStage(plan, stage)) await putResult(store, plan.task(ref));
  }
  const graph = createTaskGraph(plan);
  const run = new JobRun({
    ...{ jobId: 'j' as JobId, graph, store, bus, out, clock: systemClock },
    policy: DEFAULT_FAILURE_POLICY,
    observer: { surveyed: () => undefined, event: () => undefined },
  });
  const stop = new AbortController();
  const working = runScriptedWorker({ bus, store }, stop.signal);
  ends.push(() => {
    stop.abort();
    return working;
  });
  const ended = nextEnd(bus);
  await run.start(wantedTasks(graph));
  run.publishNext('any');
  await out.settled();
  expect(troubles).toEqual([]);
  await run.handle(await ended);
  expect(run.failure).toBeUndefined();
  expect(run.isOver).toBe(true);
});

describe('a server that takes no message of a task', () => {
  it('is told once, and fails the job with the sizes and what to do', async () => {
    // Enough for what JetStream is asked, not for a batch of 64 frames.
    const bus = await openNats(['max_payload: 700']);
    const store = createMemoryStore();
    const troubles: Error[] = [];
    const out = new PublishedTasks({
      ...{ bus, store, clock: systemClock, slotsOf: () => 1 },
      onTrouble: (error) => troubles.push(error),
    });
    const source = { ...acceptedJob().source, stride: 1_000_000_000 };
    const graph = createTaskGraph(createPlan(acceptedJob({ frames: 64, frameBatch: 64, source })));
    const run = new JobRun({
      ...{ jobId: 'j' as JobId, graph, store, bus, out, clock: systemClock },
      policy: DEFAULT_FAILURE_POLICY,
      observer: { surveyed: () => undefined, event: () => undefined },
    });
    await run.start(wantedTasks(graph));
    run.publishNext('any');
    await out.settled();
    for (const event of await out.reconcile()) await run.handle(event);
    expect(run.isOver).toBe(true);
    expect(run.failure?.message).toMatch(
      /^ingest of frames 0 to 63 failed: its message has \d+ bytes, and the NATS server takes 700 at most$/,
    );
    expect(run.failure?.hint).toContain('max_payload');
    expect(await out.reconcile()).toEqual([]);
    expect(troubles).toEqual([]);
  });
});
