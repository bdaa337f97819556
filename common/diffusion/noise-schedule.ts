// How much of the clean sample is left at each training timestep: betas, their cumulative products, sigmas. Computed as torch
// does it on a CPU, so that the tables equal those of diffusers bit for bit.

import { pinnedCosine } from './pinned-math.ts';
import type { SchedulerConfig } from './scheduler-config.ts';

const { fround, sqrt } = Math;

/** abar of each training timestep: products of 1 - beta, decreasing within 0..1. */
export function cumulativeAlphas(config: SchedulerConfig): Float32Array {
  const betas = trainingBetas(config);
  return cumulativeProducts(config.rescaleBetasZeroSnr ? zeroTerminalSnr(betas) : betas);
}

/**
 * The same, for samplers that divide by abar: with zero terminal SNR its last value is 2^-24, half precision's smallest,
 * instead of 0 (diffusers, scheduling_euler_ancestral_discrete.py).
 */
export function positiveCumulativeAlphas(config: SchedulerConfig): Float32Array {
  const alphas = cumulativeAlphas(config);
  if (config.rescaleBetasZeroSnr) alphas[alphas.length - 1] = 2 ** -24;
  return alphas;
}

/** Noise over signal, sqrt((1 - abar) / abar), of each training timestep. */
export function sigmasFromAlphas(alphas: Float32Array): Float32Array {
  return alphas.map((alpha) => sqrt(fround(fround(1 - alpha) / alpha)));
}

function trainingBetas(config: SchedulerConfig): Float32Array {
  const { trainedBetas, betaSchedule, betaStart, betaEnd, trainSteps } = config;
  if (trainedBetas !== null) return Float32Array.from(trainedBetas);
  switch (betaSchedule) {
    case 'linear':
      return floatsBetween(betaStart, betaEnd, trainSteps);
    case 'scaled_linear':
      return floatsBetween(sqrt(betaStart), sqrt(betaEnd), trainSteps).map(square);
    case 'squaredcos_cap_v2':
      return cosineBetas(trainSteps);
  }
}

/** torch.linspace: counted from both ends, each value rounded once. */
function floatsBetween(start: number, end: number, count: number): Float32Array {
  const [first, last] = [fround(start), fround(end)];
  const step = fround(fround(last - first) / (count - 1));
  return Float32Array.from({ length: count }, (_, i) =>
    i < Math.floor(count / 2) ? first + step * i : last - step * (count - 1 - i),
  );
}

/** Improved DDPM's schedule (arXiv 2102.09672, equation 17), betas capped at 0.999. */
function cosineBetas(count: number): Float32Array {
  const level = (share: number) => square(pinnedCosine((((share + 0.008) / 1.008) * Math.PI) / 2));
  return Float32Array.from({ length: count }, (_, i) =>
    Math.min(1 - level((i + 1) / count) / level(i / count), 0.999),
  );
}

/** Shifts and stretches sqrt(abar) so that it ends at 0 and begins where it did (arXiv 2305.08891, algorithm 1). */
function zeroTerminalSnr(betas: Float32Array): Float32Array {
  const roots = cumulativeProducts(betas).map(sqrt);
  const [first, last] = [roots[0]!, roots.at(-1)!];
  const stretch = fround(first / fround(first - last));
  const levels = roots.map((root) => square(fround(fround(root - last) * stretch)));
  return levels.map((level, i) => 1 - (i === 0 ? level : fround(level / levels[i - 1]!)));
}

/** `x ** 2` need not be the rounded product in every engine. */
function square(value: number): number {
  return value * value;
}

function cumulativeProducts(betas: Float32Array): Float32Array {
  let product = 1;
  return betas.map((beta) => (product *= fround(1 - beta)));
}
