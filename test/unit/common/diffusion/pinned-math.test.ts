import { describe, expect, it } from 'vitest';

import { normalQuantile } from '../../../../workers/tensor/normal-quantile.ts';
import {
  pinnedCosine,
  pinnedExp,
  pinnedExpm1,
  pinnedLog,
} from '../../../../common/diffusion/pinned-math.ts';

const COUNT = 20_000;
const shares = Array.from({ length: COUNT + 1 }, (_, i) => i / COUNT);
/** Two units in the last place. */
const CLOSE = 4.5e-16;

describe('functions from pinned arithmetic', () => {
  it('have the logarithm of Math.log, from the smallest number to the largest', () => {
    const values = shares.map((share) => Math.exp(1449 * share - 740));
    const near = shares.map((share) => 0.5 + 1.5 * share);
    const ends = [5e-324, Number.MAX_VALUE, 1 + 2 ** -52, 1 - 2 ** -53];
    const errors = [...ends, ...values, ...near].map((value) => {
      const expected = Math.log(value);
      return expected === 0 ? 0 : Math.abs(pinnedLog(value) / expected - 1);
    });
    expect(Math.max(...errors)).toBeLessThanOrEqual(CLOSE);
    expect(pinnedLog(1)).toBe(0);
    expect(pinnedLog(0)).toBe(-Infinity);
    expect(pinnedLog(Infinity)).toBe(Infinity);
  });

  it('have the exponential of Math.exp', () => {
    const powers = shares.map((share) => 1416 * share - 707);
    const errors = powers.map((power) => Math.abs(pinnedExp(power) / Math.exp(power) - 1));
    expect(Math.max(...errors)).toBeLessThanOrEqual(CLOSE);
    expect(pinnedExp(0)).toBe(1);
    expect(pinnedExp(-Infinity)).toBe(0);
    expect(pinnedExp(Infinity)).toBe(Infinity);
  });

  it('have the exponential less one of Math.expm1, of small numbers too', () => {
    const powers = shares.map((share) => 60 * (share - 0.5));
    const small = shares.map((share) => (share - 0.5) * 1e-3);
    const errors = [...powers, ...small].map((power) => {
      const expected = Math.expm1(power);
      return expected === 0 ? 0 : Math.abs(pinnedExpm1(power) / expected - 1);
    });
    // Where the series ends, the difference has lost three bits of a double; it is rounded to float32.
    expect(Math.max(...errors)).toBeLessThanOrEqual(16 * CLOSE);
    expect(pinnedExpm1(0)).toBe(0);
    expect(pinnedExpm1(-Infinity)).toBe(-1);
  });

  it('have the cosine of Math.cos from 0 to a right angle', () => {
    const angles = shares.map((share) => (share * Math.PI) / 2);
    const errors = angles.map((angle) => Math.abs(pinnedCosine(angle) - Math.cos(angle)));
    expect(Math.max(...errors)).toBeLessThanOrEqual(CLOSE);
  });
});

describe('the quantile of the normal distribution', () => {
  // Python's statistics.NormalDist().inv_cdf, which is also AS 241.
  it.each([
    [1e-300, -37.0470962993612],
    [1e-20, -9.262340089798405],
    [1e-11, -6.706023155495136],
    [0.001, -3.090232306167813],
    [0.07, -1.4757910281791702],
    [0.075, -1.4395314709384557],
    [0.3, -0.5244005127080407],
    [0.5, 0],
    [0.9, 1.2815515655446008],
  ])('at %d is %d', (probability, expected) => {
    expect(normalQuantile(probability)).toBeCloseTo(expected, 13);
  });

  it('is symmetric', () => {
    for (const share of [0.25, 0.03125, 2 ** -20]) {
      expect(normalQuantile(1 - share)).toBe(-normalQuantile(share));
    }
  });
});
