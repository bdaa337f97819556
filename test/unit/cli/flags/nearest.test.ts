import { describe, expect, it } from 'vitest';

import { editDistance, nearestWord } from '../../../../cli/flags/nearest.ts';

describe('edit distance', () => {
  it.each([
    ['', 'abc', 3],
    ['canny', 'canny', 0],
    ['cany', 'canny', 1],
    ['cnany', 'canny', 1],
    ['depth', 'canny', 5],
  ])('from %j to %j is %i', (from, to, edits) => {
    expect(editDistance(from, to)).toBe(edits);
    expect(editDistance(to, from)).toBe(edits);
  });
});

describe('the nearest word', () => {
  const words = ['render', 'plan', 'sweep', 'store'];

  it('is the one that was meant', () => {
    expect(nearestWord('rendr', words)).toBe('render');
    expect(nearestWord('Sweep', words)).toBe('sweep');
  });

  it('is none when everything is far', () => {
    expect(nearestWord('completion', words)).toBeUndefined();
  });
});
