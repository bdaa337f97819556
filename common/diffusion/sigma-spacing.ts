// Noise levels that are spaced by themselves, not by their timesteps: Karras' (arXiv 2206.00364, equation 5), exponential, and by a beta
// distribution (arXiv 2407.12173); and the timesteps that they are at. As diffusers' `_convert_to_…` and `_sigma_to_t`.

import { betaQuantile } from './beta-quantile.ts';
import { pinnedExp, pinnedLog } from './pinned-math.ts';
import type { SigmaSpacing } from './scheduler-config.ts';
import { evenlySpaced } from './timesteps.ts';

const { fround } = Math;

/** Karras' rho. */
const RHO = 7;
/** Below it diffusers takes no logarithm. */
const SIGMA_MIN = 1e-10;

export interface SigmaRange {
  readonly largest: number;
  readonly smallest: number;
}

/** `count` of them, from the largest to the smallest. */
export function spacedSigmas(
  spacing: Exclude<SigmaSpacing, 'training'>,
  { largest, smallest }: SigmaRange,
  count: number,
): number[] {
  const shares = evenlySpaced(1, count);
  switch (spacing) {
    case 'karras': {
      const root = (sigma: number) => pinnedExp(pinnedLog(sigma) / RHO);
      const [first, last] = [root(largest), root(smallest)];
      return shares.map((share) => seventhPower(first + share * (last - first)));
    }
    case 'exponential': {
      const [first, last] = [pinnedLog(largest), pinnedLog(smallest)];
      return linearly(first, last, count).map(pinnedExp);
    }
    case 'beta':
      return shares.map((share) => smallest + betaQuantile(1 - share) * (largest - smallest));
  }
}

/** Where sigmas lie among the training's, which ascend: linearly between their logarithms, rarely whole, within 0..T-1. */
export function timestepsOfSigmas(sigmas: readonly number[], table: Float32Array): number[] {
  const logs = table.map(pinnedLog);
  return sigmas.map((sigma) => {
    const logSigma = pinnedLog(Math.max(sigma, SIGMA_MIN));
    // The last timestep whose sigma is not larger.
    let low = logs.length - 2;
    while (low > 0 && logs[low]! > logSigma) low -= 1;
    const weight = (logs[low]! - logSigma) / fround(logs[low]! - logs[low + 1]!);
    const share = Math.min(1, Math.max(0, weight));
    return (1 - share) * low + share * (low + 1);
  });
}

function seventhPower(value: number): number {
  const square = value * value;
  return square * square * square * value;
}

/** numpy's linspace. */
function linearly(first: number, last: number, count: number): number[] {
  if (count === 1) return [first];
  const step = (last - first) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? last : i * step + first));
}
