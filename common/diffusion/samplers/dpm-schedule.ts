// The noise levels that DPM-Solver++ visits (diffusers, scheduling_dpmsolver_multistep.py, set_timesteps). They differ from those
// of the other samplers: n steps are cut from n + 1.

import { pinnedExp, pinnedLog } from '../pinned-math.ts';
import { positiveCumulativeAlphas, sigmasFromAlphas } from '../noise-schedule.ts';
import { unfitSteps } from '../scheduler-config.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';
import { evenlySpaced, leading, requireTrained, roundHalfToEven, trailing } from '../timesteps.ts';

const { fround, sqrt } = Math;

export interface DpmSchedule {
  /** Descending; with Karras sigmas two may be equal. */
  readonly timesteps: readonly number[];
  /** Noise over signal: of each timestep, and the last to reach. */
  readonly sigmas: Float32Array;
}

/** @throws invalid-argument — more steps than there are levels */
export function dpmSchedule(config: SchedulerConfig, steps: number): DpmSchedule {
  const alphas = positiveCumulativeAlphas(config);
  const table = sigmasFromAlphas(alphas);
  const last = config.solver.finalSigmasType === 'zero' ? 0 : table[0]!;
  if (config.solver.useKarrasSigmas) {
    const karras = karrasSigmas(table, steps);
    const timesteps = karras.map((sigma) => timestepOf(sigma, table, config));
    return { timesteps, sigmas: Float32Array.from([...karras, last]) };
  }
  const timesteps = spacedTimesteps(config, steps, clippedEnd(alphas, config));
  requireTrained(timesteps, config, { algorithm: 'dpm-solver++', steps });
  requireDistinct(timesteps, steps);
  return { timesteps, sigmas: Float32Array.from([...timesteps.map((time) => table[time]!), last]) };
}

function spacedTimesteps(config: SchedulerConfig, steps: number, end: number): number[] {
  switch (config.timestepSpacing) {
    case 'linspace':
      return evenlySpaced(end - 1, steps + 1)
        .map(roundHalfToEven)
        .slice(1)
        .reverse();
    case 'leading':
      return leading(steps + 1, Math.floor(end / (steps + 1)))
        .map((time) => time + config.stepsOffset)
        .slice(1)
        .reverse();
    case 'trailing':
      // Where clipping has cut noisy timesteps off, fewer steps remain.
      return trailing(end, steps, config.trainSteps / steps).filter((time) => time >= 0);
  }
}

/** Training timesteps whose lambda is not below the clipping threshold. */
function clippedEnd(alphas: Float32Array, { solver }: SchedulerConfig): number {
  const kept = alphas.filter((alpha) => {
    const spread = fround(sqrt(fround(1 - alpha)));
    const lambda = fround(pinnedLog(fround(sqrt(alpha)))) - fround(pinnedLog(spread));
    return fround(lambda) >= solver.lambdaMinClipped;
  });
  return kept.length;
}

/** Rho of arXiv 2206.00364, equation 5. */
const KARRAS_RHO = 7;

/** From the largest sigma to the smallest, evenly spaced in their 7th roots. */
function karrasSigmas(table: Float32Array, steps: number): number[] {
  const root = (sigma: number) => pinnedExp(pinnedLog(sigma) / KARRAS_RHO);
  const [largest, smallest] = [root(table.at(-1)!), root(table[0]!)];
  return evenlySpaced(1, steps).map((share) =>
    seventhPower(largest + share * (smallest - largest)),
  );
}

function seventhPower(value: number): number {
  const square = value * value;
  return square * square * square * value;
}

/** Where a sigma lies among the training's, linearly between their logarithms; whole. */
function timestepOf(sigma: number, table: Float32Array, { betaSchedule }: SchedulerConfig): number {
  const logSigma = pinnedLog(sigma);
  const logs = (time: number) => fround(pinnedLog(table[time]!));
  // The last timestep whose sigma is not larger; the table ascends.
  let low = table.length - 2;
  while (low > 0 && logs(low) > logSigma) low -= 1;
  const weight = (logs(low) - logSigma) / fround(logs(low) - logs(low + 1));
  const share = Math.min(1, Math.max(0, weight));
  const time = (1 - share) * low + share * (low + 1);
  return betaSchedule === 'squaredcos_cap_v2' ? Math.trunc(time) : roundHalfToEven(time);
}

function requireDistinct(timesteps: readonly number[], steps: number): void {
  if (new Set(timesteps).size === timesteps.length) return;
  throw unfitSteps('dpm-solver++', steps, 'they are more than there are noise levels to visit');
}
