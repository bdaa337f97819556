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

  it('has no ratio of one window, nor of a clip that does not flicker elsewhere', () => {
    expect(meansOf([{ flicker: both(9, 3), drift }]).seamRatio.smoothed).toBeUndefined();
    const still = { flicker: both(2, 4), seamFlicker: both(2, 1), drift };
    expect(meansOf([still]).seamRatio.smoothed).toBeUndefined();
  });
});
