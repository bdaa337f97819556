// Expected values are those of diffusers 0.42.1's DiagonalGaussianDistribution, times the scaling factor.

import { describe, expect, it } from 'vitest';

import {
  posteriorMode,
  posteriorSample,
} from '../../../../../workers/pipelines/encode/posterior.ts';
import { floatTensor } from '../../../../../workers/tensor/tensor.ts';

const FACTOR = 0.18215;
const means = [
  -0.1467950940132141, 0.7861412763595581, 0.9468216300010681, -1.1143440008163452,
  1.6907901763916016, -0.8948279023170471,
];
/** The first and the last are beyond the bounds. */
const logVariances = [-40, -2.5, 0, 1, 3, 25];
const noise = floatTensor(
  [1, 1, 1, 6],
  Float32Array.of(
    0.13732409477233887,
    0.2405461221933365,
    1.3954508304595947,
    1.3470226526260376,
    2.4382081031799316,
    0.2027582824230194,
  ),
);
const parameters = floatTensor([1, 2, 1, 6], Float32Array.of(...means, ...logVariances));

describe("the posterior of the VAE's encoder", () => {
  it('has its mean as mode', () => {
    const expected = [
      -0.02673872746527195, 0.14319564402103424, 0.1724635660648346, -0.2029777616262436,
      0.30797743797302246, -0.1629929095506668,
    ];
    expect(posteriorMode(parameters, FACTOR)).toEqual(
      floatTensor([1, 1, 1, 6], Float32Array.from(expected)),
    );
  });

  it('is sampled with a bounded deviation', () => {
    const expected = [
      -0.026738720014691353, 0.15574897825717926, 0.4266449511051178, 0.20155276358127594,
      2.2983834743499756, 813.3276977539062,
    ];
    const sample = posteriorSample(parameters, FACTOR, noise);
    expected.forEach((value, i) => {
      expect(Math.abs(sample.data[i]! - value)).toBeLessThanOrEqual(2e-7 * Math.abs(value));
    });
  });

  it('keeps the channels of each frame together', () => {
    // Two frames of two channels: means 1, 2 and 3, 4.
    const two = floatTensor([2, 4, 1, 1], Float32Array.of(1, 2, 0, 0, 3, 4, 0, 0));
    expect([...posteriorMode(two, 1).data]).toEqual([1, 2, 3, 4]);
    const ones = floatTensor([2, 2, 1, 1], new Float32Array(4).fill(1));
    expect([...posteriorSample(two, 1, ones).data]).toEqual([2, 3, 4, 5]);
  });
});
