import { describe, expect, it } from 'vitest';

import { resample } from '../../../../workers/vision/resample.ts';
import type { ResampleFilter } from '../../../../workers/vision/resample.ts';

const ramp = Array.from({ length: 30 }, (_, i) => ((i * 37) % 101) + i);
const from = { width: 6, height: 5 };

/** PIL 13.0.0, mode F: Image.fromarray(ramp).resize((width, height), filter). */
const PIL_CASES: [ResampleFilter, number, number, readonly number[]][] = [
  [
    'bilinear',
    4,
    3,
    [
      25.3929, 67.4762, 43.8095, 58.8393, 66.25, 64.6914, 68.4568, 55.2083, 85.4643, 73.8413,
      80.6349, 66.6071,
    ],
  ],
  [
    'bilinear',
    9,
    7,
    [
      0, 19, 44.3333, 69.6667, 44.5, 19.3333, 44.6667, 70, 89, 14.8571, 33.8571, 59.1905, 84.5238,
      59.3571, 34.1905, 59.5238, 56, 46.1429, 33.4286, 52.4286, 72.9524, 79.0476, 63.5, 52.7619,
      78.0952, 52.9286, 21.4286, 52, 71, 79.5, 37.5, 46, 71.3333, 96.6667, 71.5, 40, 70.5714,
      89.5714, 98.0714, 56.0714, 64.5714, 77.881, 55.119, 54, 58.5714, 89.1429, 86.5, 80.5714,
      67.4286, 83.1429, 91.6429, 49.6429, 58.1429, 77.1429, 104, 72.5, 47.3333, 72.6667, 98, 106.5,
      64.5, 73, 92,
    ],
  ],
  [
    'bicubic',
    4,
    3,
    [
      20.8364, 71.3022, 40.9307, 60.1407, 68.4705, 65.0452, 69.7144, 52.9197, 87.5564, 72.866,
      81.976, 65.7553,
    ],
  ],
  [
    'bicubic',
    9,
    7,
    [
      -4.0146, 14.1325, 43.9878, 73.997, 42.9854, 11.9058, 41.6426, 74.9532, 96.256, 10.3199,
      28.072, 59.2082, 94.6265, 61.097, 26.5739, 59.5105, 56.2531, 44.0866, 30.9286, 50.5133,
      75.7061, 86.0274, 63.9969, 49.9741, 86.2406, 50.9726, 9.2443, 49.5, 73.5882, 84.1759, 32.8241,
      39.6875, 72.5023, 102.5116, 71.8824, 35.8553, 67.5871, 96.2301, 109.2603, 49.6062, 60.9275,
      81.1425, 49.3423, 49.9221, 59.4635, 91.6067, 89.2175, 81.6515, 66.1346, 88.38, 97.47, 40.7091,
      54.037, 82.1218, 110.0464, 70.5174, 37.4872, 72.236, 106.1948, 112.6905, 61.3386, 71.9263,
      96.0146,
    ],
  ],
];

describe('resample', () => {
  it.each<[ResampleFilter, number, number, readonly number[]]>(PIL_CASES)(
    '%s to %ix%i as PIL does',
    (filter, width, height, expected) => {
      const made = resample(ramp, { from, to: { width, height }, filter });
      expect(made).toHaveLength(expected.length);
      for (const [i, value] of made.entries()) expect(value).toBeCloseTo(expected[i]!, 3);
    },
  );

  it.each(['bilinear', 'bicubic'] as const)('%s keeps what is the same everywhere', (filter) => {
    const flat = new Array<number>(30).fill(7);
    for (const to of [
      { width: 13, height: 2 },
      { width: 1, height: 1 },
    ]) {
      for (const value of resample(flat, { from, to, filter })) expect(value).toBeCloseTo(7, 12);
    }
  });

  it('leaves a plane of the same size as it is', () => {
    expect([...resample(ramp, { from, to: from, filter: 'bicubic' })]).toEqual(ramp);
  });
});
