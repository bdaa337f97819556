// How jobs on lanes end before their time: cancelled, failed, crashed, or with their pool. Real threads and real graphs; the stages are those
// of test/support/models/test-lane.ts.

import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';

import type { LanePool, LanePoolOptions } from '../../../../workers/inference/lanes/lane-pool.ts';
import {
  addJob,
  bareJob,
  graph,
  openTestPool,
  row,
  slowJob,
  TEST_LANE,
} from '../../../support/models/lane-jobs.ts';

let pool: LanePool;
const open = (options?: Partial<LanePoolOptions>): LanePool => (pool = openTestPool(options));

afterEach(async () => {
  await pool.close();
});

describe('cancelling a job', () => {
  it.each([
    ['whose body looks for it between steps', true],
    ['whose body never looks', false],
  ])('takes effect within one step: a body %s', async (_, checks) => {
    open();
    const stop = new AbortController();
    let steps = 0;
    const run = pool.run(slowJob({ steps: 1000, checks }), {
      signal: stop.signal,
      onProgress: (step) => {
        steps = step;
        if (step === 2) stop.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: 'cancelled' });
    // Two were told; a third was under way when they were, and a busy main thread may hear one late.
    expect(steps).toBeLessThanOrEqual(4);
    expect((await pool.run(addJob(row(1), row(2)))).outputs['sum']).toEqual(row(3));
  });

  it('takes effect at once while it waits for a lane', async () => {
    open();
    const long = pool.run(slowJob({ steps: 3 }));
    const stop = new AbortController();
    const waiting = pool.run(addJob(row(1), row(2)), { signal: stop.signal });
    stop.abort();
    await expect(waiting).rejects.toMatchObject({
      code: 'cancelled',
      message: 'add was cancelled: while it waited for a lane',
    });
    expect(pool.stats()).toMatchObject({ busy: 1, queued: 0 });
    await long;
  });

  it('refuses a job whose signal has aborted before', async () => {
    const run = open().run(addJob(row(1), row(2)), { signal: AbortSignal.abort() });
    await expect(run).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('a failing job', () => {
  it.each([
    ['ends its thread', 'crash-on-exit', 'the lane that ran crash-on-exit crashed: exit 7'],
    [
      'throws where nobody catches',
      'crash-on-throw',
      'the lane that ran crash-on-throw crashed: thrown where nobody catches',
    ],
  ])('fails alone and its lane is replaced when it %s', async (_, stage, message) => {
    open({ lanes: 2 });
    const other = pool.run(slowJob({ steps: 4 }));
    await expect(pool.run(bareJob(stage))).rejects.toMatchObject({
      code: 'internal',
      retry: 'other-worker',
      message,
    });
    const next = await pool.run(addJob(row(1), row(2)));
    expect(next.outputs['sum']).toEqual(row(3));
    await other;
    expect(pool.stats()).toMatchObject({ lanes: 2, busy: 0, replaced: 1 });
  });

  it('starts a lane for the jobs that wait behind a crash', async () => {
    open();
    const crash = pool.run(bareJob('crash-on-exit'));
    const next = pool.run(addJob(row(1), row(2)));
    await expect(crash).rejects.toMatchObject({ code: 'internal' });
    expect((await next).outputs['sum']).toEqual(row(3));
  });

  it('fails each job, without starting threads for ever, when the lane cannot start', async () => {
    open({ entry: new URL('absent.ts', TEST_LANE) });
    await expect(pool.run(bareJob('add'))).rejects.toMatchObject({ code: 'internal' });
    await expect(pool.run(bareJob('add'))).rejects.toThrow(/crashed.*absent\.ts/);
    expect(pool.stats().replaced).toBe(1);
  });

  it('tells where a defect is', async () => {
    await expect(open().run(bareJob('defect'))).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('running defect: Cannot read properties') as string,
      details: { stack: expect.stringContaining('test-lane.ts') as string },
    });
  });

  it('names a stage that no code runs, and a role that has no model', async () => {
    open();
    await expect(pool.run(bareJob('knit'))).rejects.toThrow('no code here runs the stage knit');
    const job = { ...addJob(row(1), row(2)), models: { unet: graph('slow') } };
    await expect(pool.run(job)).rejects.toThrow('add has no model for adder; it has unet');
  });

  it('refuses a graph that does not fit its role, before it is run', async () => {
    const run = open().run(bareJob('smooth', { unet: graph('adder', 'add.onnx') }));
    await expect(run).rejects.toMatchObject({ code: 'failed-precondition', retry: 'never' });
    await expect(run).rejects.toThrow(
      /graph adder is no clip-unet: input sample: expected float32 or float16 \[\*, 4, \*, \*, \*\]; found only a, b/,
    );
  });

  it('keeps the code, hint and cause of what the body throws', async () => {
    const job = { ...addJob(row(1), row(2)), models: { adder: graph('gone', 'gone.onnx') } };
    await expect(open().run(job)).rejects.toMatchObject({
      name: 'BivdiffError',
      code: 'failed-precondition',
      hint: expect.any(String) as string,
    });
  });
});

describe('closing a lane pool', () => {
  it('cancels what runs and what waits, and ends all threads', async () => {
    const before = threadCount();
    open({ lanes: 2, threadsPerLane: 2 });
    await Promise.all([pool.run(slowJob()), pool.run(slowJob())]);
    expect(threadCount()).toBeGreaterThan(before);
    const jobs = [1, 2, 3].map(() => pool.run(slowJob({ steps: 1000 })));
    const ends = Promise.allSettled(jobs);
    await pool.close();
    for (const end of await ends) {
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'cancelled' } });
    }
    expect(threadCount()).toBe(before);
  });

  it('may be done twice, and refuses jobs afterwards', async () => {
    open();
    await Promise.all([pool.close(), pool.close()]);
    await expect(pool.run(addJob(row(1), row(2)))).rejects.toMatchObject({
      code: 'cancelled',
      message: 'add was cancelled: the lanes are closed',
    });
  });
});

/** Threads of this process, where the system tells. */
function threadCount(): number {
  try {
    return readdirSync('/proc/self/task').length;
  } catch {
    return process.getActiveResourcesInfo().filter((kind) => kind.includes('Worker')).length;
  }
}
