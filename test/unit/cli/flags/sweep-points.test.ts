import { describe, expect, it } from 'vitest';

import {
  flagsOfPoint,
  pointFields,
  pointLabel,
  pointName,
  sweepPoints,
} from '../../../../cli/flags/sweep-points.ts';
import type { TypedFlags } from '../../../../cli/flags/render-flags.ts';

const names = (typed: TypedFlags): readonly string[] => sweepPoints(typed).map(pointName);

describe('the points of a sweep', () => {
  it('are the values in their order, each once', () => {
    expect(names({ mixingRatio: '0,0.25, 1,0.250' })).toEqual(['0', '0.25', '1']);
  });

  it('are every combination of two lists, whatever else is said', () => {
    const typed = {
      mixingRatio: '0,1',
      videoGuidanceScale: '5,7.5',
      steps: '4',
      bridging: 'mixed',
    };
    expect(names(typed)).toEqual(['0-g5', '0-g7.5', '1-g5', '1-g7.5']);
    expect(names({ bridging: 'mixed,none' })).toEqual(['mixed', 'none']);
    expect(names({ bridging: 'none', strength: '0.3,0.6', inversion: 'ddim' })).toEqual([
      's0.3',
      's0.6',
    ]);
  });

  it('may vary the video guidance alone', () => {
    expect(names({ videoGuidanceScale: '5' })).toEqual(['g5']);
  });

  it('are told, written down and set', () => {
    const typed = { bridging: 'none', strength: '0.3,0.6', mixingRatio: '0.50' };
    const point = sweepPoints(typed)[1]!;
    expect(pointLabel(point)).toBe('mixing ratio 0.5, strength 0.6');
    expect(pointFields(point)).toEqual({ mixingRatio: 0.5, strength: 0.6 });
    expect(flagsOfPoint(point, typed)).toEqual({
      ...{ bridging: 'none', strength: '0.6', mixingRatio: '0.5' },
    });
  });

  it.each([
    [{ steps: '4' }, 'nothing is swept: give one or two of --mixing-ratio, --bridging'],
    [{ mixingRatio: '0,,1' }, '--mixing-ratio: a value is missing in "0,,1"'],
    [
      { mixingRatio: '0,1', inversion: 'ddim,official', guidanceScale: '3,5' },
      '--mixing-ratio, --inversion, --guidance-scale: at most two at once',
    ],
    [{ mixingRatio: Array.from({ length: 101 }, (_, i) => i / 200).join(',') }, '101 renders'],
  ])('are refused for %j', (typed, message) => {
    expect(() => sweepPoints(typed)).toThrow(message);
  });
});
