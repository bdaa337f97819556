// Goal: a farm notices what the bus has lost, and a task that takes its workers with it; two jobs share what both need. Method: the
// real runs, memory bus and memory store; events and losses by hand, in virtual time.

import { beforeEach, describe, expect, it, vi } from 'vitest';

import { createMemoryBus } from '../../../../common/bus/memory/index.ts';
import { UNKNOWN_ATTEMPT } from '../../../../common/bus/ports.ts';
import type { Bus, TaskMessage } from '../../../../common/bus/ports.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import { queueOfStage } from '../../../../common/placement.ts';
import { numericsKeyOf } from '../../../../common/stage-facts.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import type { Store } from '../../../../common/store/ports.ts';
import type { JobId, TaskId } from '../../../../common/task.ts';
import { DEFAULT_FAILURE_POLICY } from '../../../../coordinator/domain/failure-policy.ts';
import { createPlan } from '../../../../coordinator/domain/plan.ts';
import type { Plan } from '../../../../coordinator/domain/plan.ts';
import type { JobRun } from '../../../../coordinator/run/job-run.ts';
import { PublishedTasks } from '../../../../coordinator/run/published-tasks.ts';
import type { Clock, Workforce } from '../../../../coordinator/ports.ts';
import { acceptedJob } from '../../../support/jobs.ts';
import { withMask } from '../../../support/masked-plan.ts';
import { openJobRun, started } from './open-job-run.ts';

const JOB = 'job' as JobId;
const INGEST = queueOfStage('ingest', acceptedJob().numerics.media);
const policy = DEFAULT_FAILURE_POLICY;

describe('JobRun', () => {
  let nowMs = 0;
  let bus: Bus;
  let store: Store;
  let run: JobRun;
  let out: PublishedTasks;
  let there: ReadonlySet<string> = new Set();
  /** What each has for a task. */
  let memory: Readonly<Record<string, number>> = {};
  let timers: (() => void)[] = [];
  let delaysMs: number[] = [];
  let claimed: ReadonlySet<TaskId> = new Set();
  let runOf: (jobId: JobId, plan?: Plan) => { run: JobRun; start: () => Promise<void> };

  beforeEach(async () => {
    nowMs = 0;
    claimed = new Set();
    timers = [];
    delaysMs = [];
    bus = createMemoryBus({ ackWaitMs: 10_000 });
    store = createMemoryStore();
    const clock: Clock = {
      nowMs: () => nowMs,
      after: (delayMs, callback) => {
        delaysMs.push(delayMs);
        timers.push(callback);
        return () => undefined;
      },
    };
    there = new Set(['w', 'other']);
    // One of another class serves every pool, and can have none of the job's tasks.
    memory = { w: 8, other: 8, foreign: 8 };
    const workersOf: Workforce['workersOf'] = (_, numericsKey, memoryBytes = 0) => {
      const isOurs = numericsKey === numericsKeyOf(acceptedJob().numerics);
      const names = isOurs ? [...there] : [...there, 'foreign'];
      return new Set(names.filter((name) => memory[name]! >= memoryBytes));
    };
    const farm = { store, bus, clock };
    out = new PublishedTasks({ ...farm, slotsOf: () => 0, claimed: () => claimed, workersOf });
    const memoryOf = (worker: string): number | undefined => memory[worker];
    const workers = { workersOf, memoryOf, setAside: () => [], idleOf: workersOf };
    runOf = (jobId, plan) => openJobRun(jobId, { ...farm, out, workers }, plan);
    const { run: made, start } = runOf(JOB);
    run = made;
    await start();
    run.publishNext('any');
    await out.settled();
  });

  const pullNow = async () => bus.pull([INGEST], { worker: 'w', waitMs: 0 });

  it('publishes again what the bus has lost, once it had time to arrive', async () => {
    const first = await pullNow();
    await first?.ack();
    await out.reconcile();
    expect(await pullNow()).toBeUndefined();
    nowMs += 2_000;
    await out.reconcile();
    expect((await pullNow())?.message).toEqual(first?.message);
  });

  it('does not look for what a worker says it runs', async () => {
    const first = await pullNow();
    await first?.ack();
    claimed = new Set([first!.message.task.id]);
    nowMs += 2_000;
    await out.reconcile();
    expect(await pullNow()).toBeUndefined();
  });

  it('publishes a task that two jobs need once, and withdraws it when neither needs it', async () => {
    const { run: other, start } = runOf('other' as JobId);
    await start();
    other.publishNext('any');
    await out.settled();
    expect(await bus.depth(INGEST)).toBe(1);
    await run.stop(new BivdiffError('cancelled', 'not wanted'));
    expect(await bus.depth(INGEST)).toBe(1);
    await other.stop(new BivdiffError('cancelled', 'not wanted'));
    expect(await bus.depth(INGEST)).toBe(0);
  });

  it('publishes the equal work of two nodes once, and has both when it is there', async () => {
    const plan = withMask(createPlan(acceptedJob({ frames: 4, prompt: 'twice' })));
    const { run: twice, start } = runOf('twice' as JobId, plan);
    await run.stop(new BivdiffError('cancelled', 'not wanted'));
    await start();
    expect(twice.readyCount('any')).toBe(2);
    twice.publishNext('any');
    twice.publishNext('any');
    await out.settled();
    expect(await bus.depth(INGEST)).toBe(1);
    expect(twice.readyCount('idm')).toBe(0);
    const { task } = (await pullNow())!.message;
    const by = { worker: 'w', attempt: 1 };
    const result = { ...by, stage: task.stage, seconds: 1, busySeconds: 1 };
    await twice.handle({ ...by, kind: 'committed', taskId: task.id, result });
    // The annotate task read both.
    expect(twice.readyCount('idm')).toBe(1);
    expect(twice.readyCount('any')).toBe(0);
    expect(out.countOf('any', numericsKeyOf(acceptedJob().numerics))).toBe(0);
  });

  it('stops what runs before the bus has taken what is being published', async () => {
    const delivery = await pullNow();
    await run.handle(started(delivery!.message.task.id, 'w'));
    let takes = (): void => undefined;
    vi.spyOn(bus, 'publish').mockReturnValueOnce(
      new Promise((resolve) => {
        takes = resolve;
      }),
    );
    out.again(delivery!.message);
    const stopped = run.stop(new BivdiffError('cancelled', 'not wanted'));
    expect(delivery!.signal.aborted).toBe(true);
    takes();
    await stopped;
    expect(await bus.depth(INGEST)).toBe(1);
    await delivery!.ack();
    expect(await bus.depth(INGEST)).toBe(0);
  });

  it('leaves alone what a worker has', async () => {
    await pullNow();
    nowMs += 2_000;
    await out.reconcile();
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
    for (const event of await out.reconcile()) await run.handle(event);
    expect(run.hasOut(task.id)).toBe(false);
  });

  it('lets the worker that failed a task have it again when all others have gone', async () => {
    const first = (await pullNow())!;
    const { id } = first.message.task;
    const failure = new BivdiffError('internal', 'it broke').toJSON();
    await run.handle({ kind: 'failed', taskId: id, worker: 'w', attempt: 1, failure });
    await first.ack();
    timers.shift()!();
    await out.settled();
    const second = await pullNow();
    expect(second?.message).toMatchObject({ attempt: 2, excludedWorkers: ['w'] });
    await second?.nak(0);
    await out.reconcile();
    const third = await pullNow();
    expect(third?.message.excludedWorkers).toEqual(['w']);
    await third?.nak(0);
    there = new Set(['w']);
    await out.reconcile();
    await out.settled();
    expect((await pullNow())?.message).toMatchObject({ attempt: 2, excludedWorkers: [] });
  });

  it.each([
    ['at once where another worker can have it', 'internal', ['w', 'other'], 0],
    ['later where nobody else can', 'internal', ['w'], policy.retryDelayMs],
    ['later where the cause may pass', 'unavailable', ['w', 'other'], policy.retryDelayMs],
  ] as const)('publishes a failed task again %s', async (_, code, names, delayMs) => {
    there = new Set(names);
    const { id } = (await pullNow())!.message.task;
    const failure = new BivdiffError(code, 'it broke').toJSON();
    await run.handle({ kind: 'failed', taskId: id, worker: 'w', attempt: 1, failure });
    expect(delaysMs).toEqual([delayMs]);
  });

  it('counts each failure of workers that could not read which attempt it was', async () => {
    const { id } = (await pullNow())!.message.task;
    const failure = new BivdiffError('failed-precondition', 'unreadable').toJSON();
    const failed = { kind: 'failed', taskId: id, attempt: UNKNOWN_ATTEMPT, failure } as const;
    for (let attempts = 1; attempts <= policy.attemptsMax; attempts += 1) {
      expect(run.failure).toBeUndefined();
      await run.handle({ ...failed, worker: `w${attempts}` });
      timers.shift()?.();
      await out.settled();
    }
    expect(run.failure?.message).toContain('unreadable');
  });

  it('excludes nobody where all others are of another numerics class', async () => {
    there = new Set(['w']);
    const first = (await pullNow())!;
    const { id } = first.message.task;
    const failure = new BivdiffError('internal', 'it broke').toJSON();
    await run.handle({ kind: 'failed', taskId: id, worker: 'w', attempt: 1, failure });
    await first.ack();
    timers.shift()!();
    await out.settled();
    expect((await pullNow())?.message).toMatchObject({ attempt: 2, excludedWorkers: [] });
  });

  describe('a worker has too little memory', () => {
    /** The task fails there as often as it comes; gives its next message. */
    const failsOn = async (worker: string, details = {}): Promise<TaskMessage | undefined> => {
      const delivery = (await pullNow())!;
      const { attempt, task } = delivery.message;
      const options = { retry: 'other-worker', details } as const;
      const failure = new BivdiffError('resource-exhausted', 'too little', options).toJSON();
      await run.handle({ kind: 'failed', taskId: task.id, worker, attempt, failure });
      await delivery.ack();
      timers.shift()?.();
      await out.settled();
      const next = await pullNow();
      await next?.nak(0);
      return next?.message;
    };

    it('asks for more than that one has, or for what the failure says', async () => {
      memory = { w: 8, other: 16 };
      expect(await failsOn('w')).toMatchObject({ memoryBytes: 9 });
      expect(await failsOn('w', { bytes: 12 })).toMatchObject({ memoryBytes: 12 });
    });

    it('does not count the attempt, while another has more', async () => {
      memory = { w: 8, other: 10, third: 12, fourth: 14, fifth: 16 };
      there = new Set(Object.keys(memory));
      for (const name of ['w', 'other', 'third', 'fourth']) await failsOn(name);
      expect(run.failure).toBeUndefined();
      for (let attempts = 0; attempts < policy.attemptsMax; attempts += 1) await failsOn('fifth');
      expect(run.failure?.message).toContain('too little');
    });

    it('gives it to whoever is left when those with more have gone', async () => {
      memory = { w: 8, other: 16 };
      expect(await failsOn('w')).toMatchObject({ memoryBytes: 9, excludedWorkers: ['w'] });
      there = new Set(['w']);
      await out.reconcile();
      await out.settled();
      const { message } = (await pullNow())!;
      expect([message.memoryBytes, message.excludedWorkers]).toEqual([undefined, []]);
    });

    it('does not ask for what nobody has', async () => {
      const message = await failsOn('w', { bytes: 64 });
      expect(message).toMatchObject({ excludedWorkers: ['w'] });
      expect(message?.memoryBytes).toBeUndefined();
    });
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
