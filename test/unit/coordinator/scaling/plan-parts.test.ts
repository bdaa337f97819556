// The parts that the plan of workers is made of: projections, start times, the order of deletion, the least of a day.

import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import type { JobId } from '../../../../common/task.ts';
import { compareForDeletion, firstToGo } from '../../../../coordinator/scaling/deletion-order.ts';
import { planWorkers } from '../../../../coordinator/scaling/plan-workers.ts';
import type { PoolSupply } from '../../../../coordinator/scaling/plan-workers.ts';
import { Projector } from '../../../../coordinator/scaling/projection.ts';
import type { SlotSupply } from '../../../../coordinator/scaling/projection.ts';
import type { JobWork, StageSeconds } from '../../../../coordinator/scaling/predicted-work.ts';
import { StartTimes } from '../../../../coordinator/scaling/start-times.ts';
import { leastGpuSeconds } from '../../../../coordinator/simulation/day/knowing-plan.ts';

/** One job: frames are drawn (idm), then smoothed by windows (vdm). */
function job(drawn: number, smoothed: number, { dueSeconds = 600, tasks = 10 } = {}): JobWork {
  const part = (stage: 'generate' | 'smooth', seconds: number): StageSeconds => ({
    ...{ stage, pool: stage === 'generate' ? 'idm' : 'vdm', seconds },
    ...{ tasks, total: tasks },
  });
  const stages = [part('generate', drawn), part('smooth', smoothed)];
  return { jobId: digestText('job') as string as JobId, dueSeconds, stages };
}

const slots = (count: number, fromSeconds = 0): SlotSupply[] => [{ slots: count, fromSeconds }];

describe('a projection', () => {
  const project = (work: JobWork[], idm: SlotSupply[], vdm: SlotSupply[]) =>
    new Projector(work, 1).project({ idm, mixer: [], vdm });

  it('shares work out over slots, and lets the next stage begin with what is there', () => {
    const { ends, lastUse } = project([job(100, 100)], slots(2), slots(2));
    // 50 s of drawing, of which the first tenth lets smoothing begin; the last window follows.
    expect(ends[0]).toBeGreaterThan(55);
    expect(ends[0]).toBeLessThan(75);
    expect(lastUse.idm).toBeCloseTo(50, 0);
  });

  it('gives a task no more than one slot', () => {
    const { ends } = project([job(100, 100, { tasks: 1 })], slots(8), slots(8));
    expect(ends[0]).toBeGreaterThanOrEqual(199);
  });

  it('waits for slots that come later, and not for those that never do', () => {
    expect(project([job(10, 10)], slots(1, 300), slots(1)).ends[0]).toBeGreaterThan(310);
    expect(project([job(10, 10)], slots(1), []).ends[0]).toBe(Infinity);
  });

  it('serves the first job first', () => {
    const { ends } = project([job(100, 10), job(100, 10)], slots(1), slots(1));
    expect(ends[0]).toBeLessThan(120);
    expect(ends[1]).toBeGreaterThan(200);
  });
});

describe('the plan of workers', () => {
  const supply: PoolSupply = {
    ...{ slotsPerWorker: 1, working: 0, idle: 0, starting: [], startSeconds: 60, addable: 20 },
  };
  const plan = (
    work: JobWork[],
    pools: Partial<Record<'idm' | 'vdm', Partial<PoolSupply>>> = {},
    targetSeconds = 600,
  ) =>
    planWorkers({
      ...{ jobs: work, targetSeconds },
      supplies: {
        idm: { ...supply, ...pools.idm },
        mixer: supply,
        vdm: { ...supply, ...pools.vdm },
      },
    });

  it('starts nothing where nothing is to be done, and can do without all that are idle', () => {
    const { pools } = plan([], { idm: { working: 3, idle: 2 } });
    expect(pools.idm).toEqual({ add: 0, later: 0, surplus: 2, isNeedless: true });
  });

  it('starts those first whose work is first', () => {
    const { pools } = plan([job(400, 100)]);
    expect(pools.idm.add).toBeGreaterThan(0);
    expect(pools.vdm).toMatchObject({ add: 0, isNeedless: false });
    expect(pools.vdm.later).toBeGreaterThan(0);
    expect(pools.mixer.add).toBe(0);
  });

  it.each([
    ['the target is minutes and the work is days', 600, job(90_000, 90_000, { tasks: 1_000 })],
    ['the target is a day', 86_400, job(40_000, 40_000, { tasks: 1_000, dueSeconds: 86_400 })],
    ['the target is hours', 7_200, job(5_000, 5_000, { tasks: 100, dueSeconds: 7_200 })],
  ])('starts the first at once where %s', (_, targetSeconds, work) => {
    const { pools } = plan([work], {}, targetSeconds);
    expect(pools.idm.add).toBeGreaterThan(0);
    expect(pools.idm.later).toBe(0);
  });

  it('starts the next when the work is near', () => {
    const near = { ...job(60, 1000, { dueSeconds: 500 }) };
    const { pools } = plan([near], { idm: { working: 2 } });
    expect(pools.vdm.add).toBeGreaterThan(1);
  });

  it('counts on what is starting', () => {
    const { pools } = plan([job(400, 100)], {
      idm: { starting: [30, 30] },
      vdm: { starting: [30] },
    });
    expect(pools.idm.add + pools.vdm.add).toBe(0);
  });

  it('keeps idle workers that will be needed', () => {
    const idle = { working: 4, idle: 4 };
    const { pools } = plan([job(200, 2000)], { idm: { working: 4 }, vdm: idle });
    expect(pools.vdm.surplus).toBe(0);
    expect(plan([job(200, 100)], { idm: { working: 4 }, vdm: idle }).pools.vdm.surplus).toBe(3);
  });

  it('is quick for many jobs', () => {
    const many = Array.from({ length: 200 }, (_, index) =>
      job(300, 400, { dueSeconds: 600 + index }),
    );
    expect(plan(many).late).toBeGreaterThan(0);
  });
});

describe('start times', () => {
  it('are what was said until some were seen, then what was seen', () => {
    const times = new StartTimes(300);
    expect(times.within(0.7)).toBe(300);
    for (let start = 0; start < 10; start += 1) times.note(100 + start);
    expect(times.within(0.7)).toBe(107);
    expect(times.patienceSeconds).toBeCloseTo(1.5 * 109);
    expect(times.secondsLeft(104)).toBeCloseTo(3);
    expect(times.secondsLeft(200)).toBeCloseTo(100);
  });
});

describe('the order of deletion', () => {
  const pod = { node: 'n', phase: 'Running', isReady: true, deletionCost: 0 } as const;

  it('is Kubernetes: no node, not running, not ready, least cost', () => {
    const order = [
      { ...pod, node: undefined, phase: 'Pending', deletionCost: 9 },
      { ...pod, phase: 'Pending', deletionCost: 9 },
      { ...pod, isReady: false, deletionCost: 9 },
      { ...pod, deletionCost: -1 },
      pod,
    ] as const;
    expect(order.toReversed().sort(compareForDeletion)).toEqual(order);
  });

  it('names all that may be among the first', () => {
    const [a, b, c] = [{ ...pod, deletionCost: -1 }, pod, { ...pod }];
    expect(firstToGo([b, a, c], 1)).toEqual([a]);
    expect(firstToGo([b, a, c], 2)).toHaveLength(3);
    expect(firstToGo([b], 0)).toEqual([]);
  });
});

describe('the least GPU-seconds', () => {
  const least = (demands: Parameters<typeof leastGpuSeconds>[0]['demands'], workersMax = 4) =>
    leastGpuSeconds({ demands, workersMax, startSeconds: 100, stepSeconds: 10 });
  const demand = (seconds: number, fromSeconds: number, dueSeconds: number) => ({
    seconds,
    fromSeconds,
    dueSeconds,
  });

  it('is the work and one start where one worker can do it', () => {
    expect(least([demand(300, 0, 600)])).toBe(400);
  });

  it('starts as many as the work needs in its time', () => {
    expect(least([demand(600, 0, 300)])).toBe(600 + 2 * 100);
  });

  // What is due in a step may be done until its end.
  it('keeps a worker over a short pause and starts it anew after a long one', () => {
    expect(least([demand(100, 0, 100), demand(100, 150, 250)])).toBe(240 + 100);
    expect(least([demand(100, 0, 100), demand(100, 1000, 1100)])).toBe(200 + 2 * 100);
  });

  it('waits with one job for the next where both have time', () => {
    expect(least([demand(100, 0, 500), demand(100, 300, 900)])).toBe(200 + 100);
  });

  it('is infinite where it cannot be done', () => {
    expect(least([demand(600, 0, 300)], 1)).toBe(Infinity);
  });
});
