import { describe, expect, it } from 'vitest';

import { createPlan } from '../../../../coordinator/domain/plan.ts';
import { speedOf } from '../../../../coordinator/domain/speed.ts';
import { acceptedJob } from '../../../support/jobs.ts';

describe('what makes steps cheaper', () => {
  it('is nothing unless it is asked for', () => {
    expect(speedOf({})).toEqual({});
    expect(speedOf({ fast: false, guidanceEnd: 1, cacheInterval: 1 })).toEqual({});
  });

  it('is both with fast, each as it is said', () => {
    expect(speedOf({ fast: true })).toEqual({ guidanceEnd: 0.8, cacheInterval: 3 });
    expect(speedOf({ fast: true, cacheInterval: 1 })).toEqual({ guidanceEnd: 0.8 });
    expect(speedOf({ fast: true, guidanceEnd: 0 })).toEqual({ guidanceEnd: 0, cacheInterval: 3 });
    expect(speedOf({ cacheInterval: 5 })).toEqual({ cacheInterval: 5 });
  });

  it('is told to drawing and smoothing, never to inversions, and not to steps that are tasks', () => {
    const told = (changes: Parameters<typeof acceptedJob>[0]): readonly string[] => {
      const plan = createPlan(acceptedJob({ cacheInterval: 3, frames: 12, ...changes }));
      return plan.nodes
        .filter(({ name: node }) => 'cacheInterval' in plan.task({ node, index: 0 }).params)
        .map(({ stage }) => stage);
    };
    expect(told({})).toEqual(['generate', 'smooth']);
    expect(told({ long: { mode: 'blend', stride: 4 } })).toEqual(['generate', 'smooth']);
    const long = { mode: 'co-denoise', stride: 4, block: 1 } as const;
    expect(told({ long })).toEqual(['generate']);
  });
});
