import { describe, expect, it } from 'vitest';

import { betaQuantile } from '../../../../common/diffusion/beta-quantile.ts';
import { spacedSigmas, timestepsOfSigmas } from '../../../../common/diffusion/sigma-spacing.ts';

const RANGE = { largest: 14.6146, smallest: 0.0292 };
const SPACINGS = ['karras', 'exponential', 'beta'] as const;

describe('the quantile of the beta distribution', () => {
  // scipy.stats.beta.ppf(share, 0.6, 0.6) of scipy 1.17.1, whose own are good to ten digits or so in the tails.
  it.each([
    [0, 0],
    [1e-9, 1.85588246249141e-15],
    [1e-6, 1.8558824624053043e-10],
    [0.0001, 3.998377158137721e-7],
    [0.001, 1.855873851745199e-5],
    [0.0123, 0.0012159813282147046],
    [1 / 49, 0.002826505325987209],
    [0.1, 0.03958440558878085],
    [0.25, 0.17568037865269498],
    [1 / 3, 0.2754132907776234],
    [0.4999, 0.49986127490549975],
    [0.5, 0.5],
    [0.5001, 0.5001387250945002],
    [0.75, 0.824319621347305],
    [0.9, 0.9604155944112192],
    [48 / 49, 0.9971734946740128],
    [0.999, 0.9999814412614826],
    [1 - 1e-9, 0.9999999999999981],
    [1, 1],
  ])('of %d is that of scipy', (share, expected) => {
    const quantile = betaQuantile(share);
    expect(Math.abs(quantile - expected)).toBeLessThanOrEqual(1e-14 + 1e-9 * Math.min(share, 1e-3));
    if (share < 0.01) expect(quantile / expected || 1).toBeCloseTo(1, 9);
  });

  it('asserts that it is of a share', () => {
    expect(() => betaQuantile(1.1)).toThrow(/quantile of 1.1/);
    expect(() => betaQuantile(NaN)).toThrow(/quantile of NaN/);
  });
});

describe.each(SPACINGS)('sigmas that are spaced, %s', (spacing) => {
  it.each([2, 7, 50, 999])('fall from the largest to the smallest in %i', (count) => {
    const sigmas = spacedSigmas(spacing, RANGE, count);
    expect(sigmas).toHaveLength(count);
    expect(sigmas[0]).toBeCloseTo(RANGE.largest, 12);
    expect(sigmas.at(-1)).toBeCloseTo(RANGE.smallest, 14);
    expect(sigmas.every((sigma, i) => i === 0 || sigma < sigmas[i - 1]!)).toBe(true);
  });

  it('are the largest, where there is one', () => {
    expect(spacedSigmas(spacing, RANGE, 1)[0]).toBeCloseTo(RANGE.largest, 12);
  });
});

describe('timesteps of sigmas', () => {
  const table = Float32Array.of(0.5, 1, 2, 8);

  it('lie linearly between the logarithms, and at the ends beyond them', () => {
    const timesteps = timestepsOfSigmas([100, 8, 4, Math.SQRT2, 0.5, 0.1, 0], table);
    const expected = [3, 3, 2.5, 1.5, 0, 0, 0];
    for (const [i, time] of timesteps.entries()) expect(time).toBeCloseTo(expected[i]!, 6);
  });
});
