// Goal: a job notices what the bus has lost, and a task that takes its workers with it. Method: the real run, memory bus and memory
// store; events and losses by hand, in virtual time.

import { beforeEach, describe, expect, it } from 'vitest';

import { createMemoryBus } from '../../../common/bus/memory/index.ts';
import type { Bus, WorkerEvent } from '../../../common/bus/ports.ts';
import { queueOfStage } from '../../../common/placement.ts';
import { createMemoryStore } from '../../../common/store/memory/index.ts';
import type { Store } from '../../../common/store/ports.ts';
import type { JobId, TaskId } from '../../../common/task.ts';
import { DEFAULT_FAILURE_POLICY } from '../../../coordinator/domain/failure-policy.ts';
import { createPlan } from '../../../coordinator/domain/plan.ts';
import { createTaskGraph } from '../../../coordinator/domain/task-graph.ts';
import { JobRun } from '../../../coordinator/job-run.ts';
import { wantedTasks } from '../../../coordinator/live-job.ts';
import { acceptedJob } from '../../support/jobs.ts';

const JOB = 'job' as JobId;
const INGEST = queueOfStage('ingest');
const policy = DEFAULT_FAILURE_POLICY;

describe('JobRun', () => {
  let nowMs = 0;
  let bus: Bus;
  let store: Store;
  let run: JobRun;

  beforeEach(async () => {
    nowMs = 0;
    bus = createMemoryBus({ ackWaitMs: 10_000 });
    store = createMemoryStore();
    const graph = createTaskGraph(createPlan(acceptedJob()));
    run = new JobRun({
      jobId: JOB,
      graph,
      store,
      bus,
      policy,
      clock: { nowMs: () => nowMs, after: () => () => undefined },
      outMax: () => 1,
      observer: { surveyed: () => undefined, event: () => undefined, healed: () => undefined },
    });
    await run.start(wantedTasks(graph));
  });

  const pullNow = async () => bus.pull([INGEST], { worker: 'w', waitMs: 0 });
  const started = (taskId: TaskId, worker: string): WorkerEvent => ({
    ...{ kind: 'started', taskId, worker },
    ...{ attempt: 1, slot: 0, stage: 'ingest' },
  });

  it('publishes again what the bus has lost, once it had time to arrive', async () => {
    const first = await pullNow();
    await first?.ack();
    await run.reconcile();
    expect(await pullNow()).toBeUndefined();
    nowMs += 2_000;
    await run.reconcile();
    expect((await pullNow())?.message).toEqual(first?.message);
  });

  it('leaves alone what a worker has', async () => {
    await pullNow();
    nowMs += 2_000;
    await run.reconcile();
    expect(await bus.depth(INGEST)).toBe(1);
  });

  it('takes a result from the store whose event was lost', async () => {
    const delivery = await pullNow();
    const task = delivery!.message.task;
    const record = { worker: 'w', attempt: 1, startedAt: '', seconds: 1, busySeconds: 1 };
    const { stage, numericsClass } = task;
    await store.putRecord({ ...record, taskId: task.id, stage, numericsClass, outputs: {} });
    await delivery?.ack();
    nowMs += 2_000;
    await run.reconcile();
    expect(run.hasOut(task.id)).toBe(false);
    // It went on: the next batch is out.
    expect(run.outCount).toBe(1);
  });

  it('fails when a task has taken as many workers with it as it may', async () => {
    const { id } = (await pullNow())!.message.task;
    for (let lost = 0; lost < policy.lostWorkersMax; lost += 1) {
      await run.handle(started(id, `w${lost}`));
      expect(run.failure).toBeUndefined();
    }
    await run.handle(started(id, 'last'));
    expect(run.failure?.message).toContain(
      `ingest of frames 0 to 3 has taken ${policy.lostWorkersMax} workers`,
    );
    expect(run.isOver).toBe(true);
    expect(await bus.holds(INGEST, id)).toBe(true);
  });

  it('does not count workers that said how it ended', async () => {
    const { id } = (await pullNow())!.message.task;
    const failure = { code: 'cancelled', message: 'drained', retry: 'never', details: {} } as const;
    for (let i = 0; i < 2 * policy.lostWorkersMax; i += 1) {
      await run.handle(started(id, `w${i}`));
      await run.handle({ kind: 'failed', taskId: id, worker: `w${i}`, attempt: 1, failure });
    }
    expect(run.failure).toBeUndefined();
  });
});
