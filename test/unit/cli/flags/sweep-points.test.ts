import { describe, expect, it } from 'vitest';

import { pointName, sweepPoints } from '../../../../cli/flags/sweep-points.ts';

const points = (mixingRatio?: string, videoGuidanceScale?: string) =>
  sweepPoints({ mixingRatio, videoGuidanceScale });

describe('the points of a sweep', () => {
  it('are the values in their order, each once', () => {
    expect(points('0,0.25, 1,0.25')).toEqual([
      { mixingRatio: 0 },
      { mixingRatio: 0.25 },
      { mixingRatio: 1 },
    ]);
  });

  it('are every combination of two lists', () => {
    expect(points('0,1', '5,7.5').map(pointName)).toEqual(['0-g5', '0-g7.5', '1-g5', '1-g7.5']);
  });

  it('may vary the video guidance alone', () => {
    expect(points(undefined, '5').map(pointName)).toEqual(['g5']);
  });

  it.each([
    [undefined, undefined, '--mixing-ratio is missing'],
    ['0,2', undefined, '--mixing-ratio: expected numbers from 0 to 1, got "2"'],
    ['0,,1', undefined, 'got ""'],
    ['0', 'x', '--video-guidance-scale: expected numbers from 1 to 100, got "x"'],
    [Array.from({ length: 101 }, (_, i) => i / 200).join(','), undefined, '101 renders'],
  ])('are refused for %s and %s', (ratios, scales, message) => {
    expect(() => points(ratios, scales)).toThrow(message);
  });
});
