import { describe, expect, it } from 'vitest';

import { costUnits, secondsPerUnit } from '../../../../coordinator/domain/cost.ts';
import { createPlan } from '../../../../coordinator/domain/plan.ts';
import { acceptedJob } from '../../../support/jobs.ts';

describe('costUnits', () => {
  it('counts both halves of guidance, and one at scale 1', () => {
    const guided = createPlan(acceptedJob({ videoGuidanceScale: 2 }));
    const plain = createPlan(acceptedJob({ videoGuidanceScale: 1 }));
    const smooth = { node: 'smooth', index: 0 };
    expect(costUnits(guided, smooth)).toBe(2 * costUnits(plain, smooth));
  });

  it('is above 0 for every task', () => {
    const plan = createPlan(acceptedJob({ frames: 9 }));
    for (const { name } of plan.nodes)
      expect(costUnits(plan, { node: name, index: 0 })).toBeGreaterThan(0);
  });
});

describe('secondsPerUnit', () => {
  it('takes an unmeasured stage to cost what the sampling stages do', () => {
    const measured = new Map([
      ['ingest', { seconds: 100, units: 1 }],
      ['generate', { seconds: 6, units: 3 }],
    ] as const);
    expect(secondsPerUnit('smooth', measured)).toBe(2);
    expect(secondsPerUnit('ingest', measured)).toBe(100);
  });

  it('knows nothing before any sampling was measured', () => {
    expect(
      secondsPerUnit('smooth', new Map([['ingest', { seconds: 100, units: 1 }]])),
    ).toBeUndefined();
  });
});
