import { describe, expect, it } from 'vitest';

import {
  ASSUMED_SECONDS_PER_UNIT,
  WorkRates,
} from '../../../../../coordinator/domain/work/work-rates.ts';
import { taskUnits, workOf } from '../../../../../coordinator/domain/work/job-work.ts';
import { createPlan } from '../../../../../coordinator/domain/plan.ts';
import { tasksOfStage } from '../../../../../coordinator/domain/plan.ts';
import { acceptedJob } from '../../../../support/jobs.ts';

const smooth = { stage: 'smooth', numericsKey: 'a100', models: 'm' } as const;

describe('the rates of work', () => {
  it('are assumed until something was measured', () => {
    expect(new WorkRates().secondsPerUnit(smooth)).toBe(ASSUMED_SECONDS_PER_UNIT);
  });

  it('follow what tasks of the same kind take', () => {
    const rates = new WorkRates();
    for (let i = 0; i < 200; i += 1) rates.note(smooth, 10, 5);
    expect(rates.secondsPerUnit(smooth)).toBeCloseTo(0.5, 6);
    for (let i = 0; i < 200; i += 1) rates.note(smooth, 10, 20);
    expect(rates.secondsPerUnit(smooth)).toBeCloseTo(2, 2);
  });

  it("of other models are the stage's, of other sampling stages those of any; of another class assumed", () => {
    const rates = new WorkRates();
    rates.note(smooth, 10, 5);
    rates.note({ ...smooth, stage: 'decode' }, 1, 100);
    expect(rates.secondsPerUnit({ ...smooth, models: 'n' })).toBe(0.5);
    expect(rates.secondsPerUnit({ ...smooth, stage: 'generate' })).toBe(0.5);
    expect(rates.secondsPerUnit({ ...smooth, numericsKey: 'cpu' })).toBe(ASSUMED_SECONDS_PER_UNIT);
  });

  it('are of no more kinds than a thousand or so', () => {
    const rates = new WorkRates();
    for (let i = 0; i < 3_000; i += 1) rates.note({ ...smooth, models: `m${i}` }, 1, i);
    expect(rates.secondsPerUnit({ ...smooth, models: 'm2999' })).toBe(2_999);
    expect(rates.secondsPerUnit({ ...smooth, models: 'm0' })).not.toBe(0);
  });
});

describe('the work of a job', () => {
  it('is the sum over its tasks, the short last batch included', () => {
    const job = acceptedJob({ frames: 21, frameBatch: 4, window: 8 });
    const plan = createPlan(job);
    for (const [stage, { units }] of workOf(job)) {
      const tasks = tasksOfStage(plan, stage);
      const sum = tasks.reduce((all, ref) => all + taskUnits(job, stage, plan.frameCount(ref)), 0);
      expect(units, stage).toBeCloseTo(sum, 9);
    }
    expect([...workOf(job).keys()]).toContain('invert-video');
  });

  it('grows with the pixels', () => {
    const [small, large] = [128, 256].map((side) => acceptedJob({ width: side, height: side }));
    const ratio = taskUnits(large!, 'smooth', 8) / taskUnits(small!, 'smooth', 8);
    expect(ratio).toBe(4);
  });
});
