import { describe, expect, it } from 'vitest';

import { meansOf } from '../../../common/measures.ts';
import type { MeasureSums } from '../../../common/measures.ts';

const both = (sum: number, count: number) => ({
  generated: { sum: 10 * sum, count },
  smoothed: { sum, count },
});
const drift = { sum: 0, count: 1 };

describe('meansOf', () => {
  it('compares flicker at seams with flicker elsewhere, over all tasks', () => {
    const sums: MeasureSums[] = [
      { flicker: both(9, 3), drift },
      { flicker: both(14, 4), seamFlicker: both(8, 1), drift },
      { flicker: both(16, 4), seamFlicker: both(10, 2), drift },
    ];
    // At seams 18 / 3, elsewhere 21 / 8.
    const { seamRatio } = meansOf(sums);
    expect(seamRatio.smoothed).toBeCloseTo(6 / (21 / 8), 12);
    expect(seamRatio.generated).toBeCloseTo(6 / (21 / 8), 12);
  });

  it('tells how far the parts of a clip leave its first, by their relative difference', () => {
    const figures = [4, 4, 5, 5, 4, 4, 3, 3, 4, 4, 4, 4, 4, 4, 8, 8];
    const sums = figures.map((sum) => ({ flicker: both(sum, 1), drift: { sum: 3, count: 2 } }));
    const { driftError } = meansOf(sums);
    // A quarter, none, a quarter, none, none, none, once.
    expect(driftError.flicker.smoothed).toBeCloseTo(1.5 / 7, 12);
    expect(driftError.flicker.generated).toBeCloseTo(1.5 / 7, 12);
    expect(driftError.drift).toBe(0);
    expect(driftError.edgeF1.smoothed).toBeUndefined();
  });

  it('has no drift error of a few tasks, nor of one that departs from nothing', () => {
    const few = Array.from({ length: 7 }, () => ({ flicker: both(1, 1), drift }));
    expect(meansOf(few).driftError.flicker.smoothed).toBeUndefined();
    const still = [both(0, 1), ...Array.from({ length: 7 }, () => both(1, 1))];
    const { driftError } = meansOf(still.map((flicker) => ({ flicker, drift })));
    expect(driftError.flicker.smoothed).toBeUndefined();
  });

  it('has no ratio of one window, nor of a clip that does not flicker elsewhere', () => {
    expect(meansOf([{ flicker: both(9, 3), drift }]).seamRatio.smoothed).toBeUndefined();
    const still = { flicker: both(2, 4), seamFlicker: both(2, 1), drift };
    expect(meansOf([still]).seamRatio.smoothed).toBeUndefined();
  });
});
