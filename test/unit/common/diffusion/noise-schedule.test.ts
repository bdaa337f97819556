import { describe, expect, it } from 'vitest';

import { cumulativeAlphas } from '../../../../common/diffusion/noise-schedule.ts';
import { readSchedulerConfig } from '../../../../common/diffusion/scheduler-config.ts';

const SD15 = { beta_schedule: 'scaled_linear', beta_start: 0.00085, beta_end: 0.012 };
const alphasOf = (config: object) => cumulativeAlphas(readSchedulerConfig(config, 'ddim'));

describe('cumulative alphas', () => {
  // Derived in float64.
  it.each([
    [SD15, 0, 0.99915],
    [SD15, 1, 0.998296028],
    [SD15, 21, 0.980380748],
    [SD15, 481, 0.302295661],
    [SD15, 961, 0.00728172714],
    [SD15, 981, 0.00577550014],
    [SD15, 998, 0.0047166989],
    [SD15, 999, 0.00466009851],
    [{}, 0, 0.9999],
    [{}, 100, 0.895141591],
    [{}, 500, 0.0777966584],
    [{}, 900, 0.00027024452],
    [{}, 999, 4.03582977e-5],
    [{ ...SD15, rescale_betas_zero_snr: true }, 500, 0.241018783],
  ])('of %j at %i are known to float32', (config, time, expected) => {
    expect(Math.abs(alphasOf(config)[time]! / expected - 1)).toBeLessThan(5e-6);
  });

  it('end at no signal with zero terminal SNR', () => {
    const alphas = alphasOf({ ...SD15, rescale_betas_zero_snr: true });
    expect(alphas[999]).toBe(0);
    // Nearly all of it cancels: float32 leaves three digits.
    expect(Math.abs(alphas[998]! / 1.9679e-7 - 1)).toBeLessThan(1e-2);
    expect(alphas[0]).toBeCloseTo(0.99915, 6);
  });
});
