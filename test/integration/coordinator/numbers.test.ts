// Goal: what a coordinator says of its farm is so: while jobs wait, while they run, when they are over, gone or begun again; and at the
// end of all of it nothing is left over. Method: the real coordinator, memory bus and memory store, scripted workers.

import { afterEach, describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../common/errors.ts';
import { STAGES } from '../../../common/task.ts';
import type { TaskOutcome } from '../../../coordinator/dispatch/dispatcher-options.ts';
import { createPlan } from '../../../coordinator/domain/plan.ts';
import { TASK_STATES } from '../../../coordinator/domain/work/task-counts.ts';
import { CoordinatorHarness } from '../../support/farm/coordinator-harness.ts';
import { acceptedJob } from '../../support/jobs.ts';

const SUBMISSION = { name: 'a job', priority: 50 };
const first = acceptedJob();
const second = acceptedJob({ seed: 43 });

/** Tasks of the plan, all of which run where nothing was made before. */
function sizeOf(job: typeof first): number {
  return createPlan(job).nodes.reduce((sum, { count }) => sum + count, 0);
}

function tasksLeft({ coordinator }: CoordinatorHarness): number {
  const { tasks } = coordinator.numbers;
  const places = STAGES.flatMap((stage) => TASK_STATES.map((state) => tasks.of(stage, state)));
  expect(places.every((count) => count >= 0)).toBe(true);
  return places.reduce((sum, count) => sum + count, 0);
}

function jobsOf({ coordinator }: CoordinatorHarness): Record<string, number> {
  return Object.fromEntries([...coordinator.numbers.jobs].filter(([, count]) => count !== 0));
}

function secondsOf({ coordinator }: CoordinatorHarness): number {
  return [...coordinator.numbers.workSeconds.values()].reduce((sum, part) => sum + part, 0);
}

describe('the numbers of a coordinator', () => {
  const outcomes: TaskOutcome[] = [];
  const farms: CoordinatorHarness[] = [];
  const start = (): CoordinatorHarness => {
    outcomes.length = 0;
    const farm = new CoordinatorHarness({ onOutcome: (outcome) => outcomes.push(outcome) });
    farms.push(farm);
    return farm;
  };
  const count = (wanted: TaskOutcome['kind']): number =>
    outcomes.filter(({ kind }) => kind === wanted).length;
  afterEach(async () => {
    for (const farm of farms.splice(0)) await farm.close();
  });

  it('are those of the work that waits, then of what is done, and every task is told of once', async () => {
    const farm = start();
    await farm.coordinator.known;
    const a = await farm.coordinator.submit(first, SUBMISSION);
    await farm.until(a.jobId, 'running');
    await expect.poll(() => tasksLeft(farm)).toBe(sizeOf(first));
    const ofOne = secondsOf(farm);
    expect(ofOne).toBeGreaterThan(0);
    const b = await farm.coordinator.submit(second, SUBMISSION);
    // Without workers one is enough to be active; how much the other is, is known all the same.
    expect(jobsOf(farm)).toEqual({ queued: 1, running: 1 });
    expect(tasksLeft(farm)).toBe(sizeOf(first));
    expect(secondsOf(farm)).toBeCloseTo(2 * ofOne, 6);
    farm.addWorker('w');
    for (const { jobId } of [a, b]) await farm.until(jobId, 'done');
    expect(jobsOf(farm)).toEqual({ done: 2 });
    expect(tasksLeft(farm)).toBe(0);
    await expect.poll(() => secondsOf(farm), { timeout: 5_000 }).toBeCloseTo(0, 6);
    // Both ingest the same frames and draw the same outlines.
    const ran = new Set(
      [first, second].flatMap((job) => {
        const plan = createPlan(job);
        return plan.nodes.flatMap(({ name, count: tasks }) =>
          Array.from({ length: tasks }, (_, index) => plan.id({ node: name, index })),
        );
      }),
    );
    expect(count('committed')).toBe(ran.size);
    await farm.coordinator.delete(a.jobId);
    expect(jobsOf(farm)).toEqual({ done: 1 });
  });

  it('of a job that is paused and goes on are its own again', async () => {
    const farm = start();
    await farm.coordinator.known;
    const { jobId } = await farm.coordinator.submit(first, SUBMISSION);
    await farm.until(jobId, 'running');
    await expect.poll(() => tasksLeft(farm)).toBe(sizeOf(first));
    const before = secondsOf(farm);
    await farm.coordinator.pause(jobId);
    expect(jobsOf(farm)).toEqual({ paused: 1 });
    expect(tasksLeft(farm)).toBe(0);
    expect(secondsOf(farm)).toBe(0);
    await farm.coordinator.resume(jobId);
    await expect.poll(() => tasksLeft(farm)).toBe(sizeOf(first));
    expect(secondsOf(farm)).toBeCloseTo(before, 6);
    farm.addWorker('w');
    await farm.until(jobId, 'done');
    expect(tasksLeft(farm)).toBe(0);
  });

  it('count attempts that fail by stage and code', async () => {
    const farm = start();
    let failures = 0;
    farm.addWorker('w', ({ stage }) => {
      if (stage !== 'smooth' || failures === 2) return;
      failures += 1;
      throw new BivdiffError('unavailable', 'a connection was lost');
    });
    await farm.coordinator.known;
    const { jobId } = await farm.coordinator.submit(first, SUBMISSION);
    await farm.until(jobId, 'done');
    const failed = { kind: 'failed', stage: 'smooth', code: 'unavailable' };
    expect(outcomes.filter(({ kind }) => kind === 'failed')).toEqual([failed, failed]);
  });
});
