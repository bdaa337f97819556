// The updates of DEIS (arXiv 2204.13902, section 3.3 with t = log rho): from a state and the last predicted noises to the next state.
// Coefficients are rounded to float32 where diffusers rounds them.

import { pinnedExp, pinnedLog } from '../pinned-math.ts';
import type { NoiseLevel } from './dpm-update.ts';

const { fround } = Math;

export interface NoiseHistory {
  /** Predicted noises, newest last; their number is the order of the update. */
  readonly predictions: readonly Float32Array[];
  /** Of the state at each prediction, and after the update: one more. */
  readonly levels: readonly NoiseLevel[];
}

/** The state at the last level. */
export function combineNoise(sample: Float32Array, history: NoiseHistory): Float32Array {
  const target = history.levels.at(-1)!;
  const start = history.levels.at(-2)!;
  if (history.predictions.length === 1) {
    return combineFirst(sample, history.predictions[0]!, { start, target });
  }
  const weights = weightsOf(history.levels.map(rhoOf));
  // Newest first, as diffusers adds them.
  const terms = history.predictions
    .toReversed()
    .map((noise, i) => ({ noise, weight: weights[i]! }));
  return sample.map((x, i) => {
    const sum = terms.reduce(
      (before, { noise, weight }) => fround(before + fround(weight * noise[i]!)),
      fround(x / start.alpha),
    );
    return target.alpha * sum;
  });
}

/** DDIM. */
function combineFirst(
  sample: Float32Array,
  noise: Float32Array,
  { start, target }: { readonly start: NoiseLevel; readonly target: NoiseLevel },
): Float32Array {
  const ratio = fround(target.alpha / start.alpha);
  const growth = fround(fround(pinnedExp(fround(target.lambda - start.lambda))) - 1);
  const weight = fround(target.spread * growth);
  return sample.map((x, i) => fround(ratio * x) - fround(weight * noise[i]!));
}

/** Noise over signal, and its logarithm. */
interface Rho {
  readonly value: number;
  readonly log: number;
}

function rhoOf({ alpha, spread }: NoiseLevel): Rho {
  const value = fround(spread / alpha);
  return { value, log: fround(pinnedLog(value)) };
}

/** Of each prediction, newest first: the integral over rho, from the newest to the target, of its Lagrange polynomial in log rho. */
function weightsOf(rhos: readonly Rho[]): number[] {
  const [target, ...known] = rhos.toReversed() as [Rho, ...Rho[]];
  const start = known[0]!;
  return known.map((_, i) => {
    // diffusers goes on from each in a circle, which matters to rounding.
    const [own, ...others] = [...known.slice(i), ...known.slice(0, i)] as [Rho, ...Rho[]];
    const integral = others.length === 1 ? integralOfLine : integralOfParabola;
    return fround(integral(target, own, others) - integral(start, own, others));
  });
}

function integralOfLine(at: Rho, own: Rho, [other]: readonly Rho[]): number {
  const factor = fround(fround(-other!.log + at.log) - 1);
  return fround(fround(at.value * factor) / fround(own.log - other!.log));
}

function integralOfParabola(at: Rho, own: Rho, [c, d]: readonly Rho[]): number {
  const terms = [
    fround(d!.log * at.log) * -1,
    d!.log,
    fround(at.log * at.log),
    fround(2 * at.log) * -1,
    2,
  ];
  const first = fround(c!.log * fround(fround(d!.log - at.log) + 1));
  const factor = terms.reduce((sum, term) => fround(sum + term), first);
  const divisor = fround(fround(own.log - c!.log) * fround(own.log - d!.log));
  return fround(fround(at.value * factor) / divisor);
}
