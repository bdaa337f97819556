// The noise levels that DPM-Solver++, UniPC and DEIS visit (diffusers, set_timesteps of their classes). They differ from those of
// the other samplers: n steps are cut from n + 1.

import { pinnedLog } from '../pinned-math.ts';
import { positiveCumulativeAlphas, sigmasFromAlphas } from '../noise-schedule.ts';
import { unfitSteps } from '../scheduler-config.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';
import type { SamplerOptions } from '../scheduler.ts';
import { spacedSigmas, timestepsOfSigmas } from '../sigma-spacing.ts';
import { evenlySpaced, leading, requireTrained, roundHalfToEven, trailing } from '../timesteps.ts';

const { fround, sqrt } = Math;

export type MultistepAlgorithm = 'dpm-solver++' | 'unipc' | 'deis';

export interface DpmSchedule {
  /** Descending; with sigmas that are spaced by themselves two may be equal. */
  readonly timesteps: readonly number[];
  /** Noise over signal: of each timestep, and the last to reach. */
  readonly sigmas: Float32Array;
}

/** @throws invalid-argument — more steps than there are levels */
export function dpmSchedule(
  config: SchedulerConfig,
  { steps, timesteps: own }: SamplerOptions,
  algorithm: MultistepAlgorithm = 'dpm-solver++',
): DpmSchedule {
  const alphas = positiveCumulativeAlphas(config);
  const table = sigmasFromAlphas(alphas);
  const { sigmaSpacing, finalSigmasType } = config.solver;
  // DEIS has no step to a state without noise.
  const isZeroLast = algorithm !== 'deis' && finalSigmasType === 'zero';
  if (sigmaSpacing !== 'training') {
    const range = { largest: table.at(-1)!, smallest: table[0]! };
    const sigmas = spacedSigmas(sigmaSpacing, range, steps);
    const times = timestepsOfSigmas(sigmas, table);
    const timesteps = times.map(isRounded(config, algorithm) ? roundHalfToEven : Math.trunc);
    const smallest = algorithm === 'dpm-solver++' ? range.smallest : sigmas.at(-1)!;
    return { timesteps, sigmas: Float32Array.from([...sigmas, isZeroLast ? 0 : smallest]) };
  }
  const timesteps = own ?? spacedTimesteps(config, steps, clippedEnd(alphas, config));
  requireTrained(timesteps, config, { algorithm, steps });
  requireDistinct(timesteps, { algorithm, steps });
  const last = isZeroLast ? 0 : table[0]!;
  return { timesteps, sigmas: Float32Array.from([...timesteps.map((time) => table[time]!), last]) };
}

/** Whether a timestep between two is that of the nearer one, else it is that of the lower one. */
function isRounded(
  { solver, betaSchedule }: SchedulerConfig,
  algorithm: MultistepAlgorithm,
): boolean {
  if (solver.sigmaSpacing !== 'karras') return false;
  return algorithm !== 'dpm-solver++' || betaSchedule !== 'squaredcos_cap_v2';
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

function requireDistinct(
  timesteps: readonly number[],
  { algorithm, steps }: { readonly algorithm: MultistepAlgorithm; readonly steps: number },
): void {
  if (new Set(timesteps).size === timesteps.length) return;
  throw unfitSteps(algorithm, steps, 'they are more than there are noise levels to visit');
}
