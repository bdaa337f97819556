// The updates of DPM-Solver++ (arXiv 2211.01095, section 4 and appendix B): from a state and the last predicted clean samples to
// the next state. Coefficients are rounded to float32 where diffusers rounds them.

import { pinnedExp, pinnedLog } from '../pinned-math.ts';
import type { SolverConfig } from '../scheduler-config.ts';

const { fround, sqrt } = Math;

/** How noisy a state is, variance preserved: alpha * clean + spread * noise. */
export interface NoiseLevel {
  readonly alpha: number;
  readonly spread: number;
  /** Half the log signal-to-noise ratio; Infinity without noise. */
  readonly lambda: number;
}

export interface CleanHistory {
  /** Predicted clean samples, newest last; their number is the order of the update. */
  readonly predictions: readonly Float32Array[];
  /** Of the state at each prediction, and after the update: one more. */
  readonly levels: readonly NoiseLevel[];
  /** Midpoint or heun. */
  readonly type: SolverConfig['type'];
}

export function noiseLevel(sigma: number): NoiseLevel {
  const alpha = fround(1 / fround(sqrt(fround(fround(sigma * sigma) + 1))));
  const spread = fround(sigma * alpha);
  const lambda = fround(fround(pinnedLog(alpha)) - fround(pinnedLog(spread)));
  return { alpha, spread, lambda };
}

/** The state at the last level. */
export function combineClean(sample: Float32Array, history: CleanHistory): Float32Array {
  const target = history.levels.at(-1)!;
  const start = history.levels.at(-2)!;
  // Two equal levels: nothing to do, while the formulas of higher order divide by the distance.
  if (target.lambda === start.lambda) return sample.slice();
  const step = stepBetween(start, target);
  const moved = combineFirst(sample, history.predictions.at(-1)!, step);
  switch (history.predictions.length) {
    case 1:
      return moved;
    case 2:
      return addSecond(moved, history, step);
    default:
      return addThird(moved, history, step);
  }
}

interface Step {
  /** Difference of the lambdas, > 0. */
  readonly h: number;
  /** exp(-h) - 1. */
  readonly decay: number;
  readonly alpha: number;
  readonly sampleWeight: number;
}

function stepBetween(start: NoiseLevel, target: NoiseLevel): Step {
  const h = fround(target.lambda - start.lambda);
  return {
    h,
    decay: fround(fround(pinnedExp(-h)) - 1),
    alpha: target.alpha,
    sampleWeight: fround(target.spread / start.spread),
  };
}

function combineFirst(sample: Float32Array, clean: Float32Array, step: Step): Float32Array {
  const weight = fround(step.alpha * step.decay);
  return sample.map((x, i) => fround(step.sampleWeight * x) - fround(weight * clean[i]!));
}

/** Adds the term of the first difference. */
function addSecond(moved: Float32Array, history: CleanHistory, step: Step): Float32Array {
  const [m1, m0] = history.predictions as [Float32Array, Float32Array];
  const [s1, s0] = history.levels as [NoiseLevel, NoiseLevel];
  const inverseRatio = fround(1 / fround(fround(s0.lambda - s1.lambda) / step.h));
  const weight =
    history.type === 'midpoint'
      ? fround(-0.5 * fround(step.alpha * step.decay))
      : slopeWeight(step);
  return moved.map((x, i) => x + fround(weight * fround(inverseRatio * fround(m0[i]! - m1[i]!))));
}

/** Adds the terms of the first and second differences. */
function addThird(moved: Float32Array, history: CleanHistory, step: Step): Float32Array {
  const [m2, m1, m0] = history.predictions as [Float32Array, Float32Array, Float32Array];
  const [s2, s1, s0] = history.levels as [NoiseLevel, NoiseLevel, NoiseLevel];
  const r0 = fround(fround(s0.lambda - s1.lambda) / step.h);
  const r1 = fround(fround(s1.lambda - s2.lambda) / step.h);
  const [inverse0, inverse1] = [fround(1 / r0), fround(1 / r1)];
  const sum = fround(r0 + r1);
  const [share, inverseSum] = [fround(r0 / sum), fround(1 / sum)];
  const slope = slopeWeight(step);
  const curve = curveWeight(step);
  return moved.map((x, i) => {
    const newer = fround(inverse0 * fround(m0[i]! - m1[i]!));
    const older = fround(inverse1 * fround(m1[i]! - m2[i]!));
    const gap = fround(newer - older);
    const first = fround(newer + fround(share * gap));
    const second = fround(inverseSum * gap);
    return fround(x + fround(slope * first)) - fround(curve * second);
  });
}

/** alpha * ((exp(-h) - 1) / h + 1). */
function slopeWeight({ alpha, decay, h }: Step): number {
  return fround(alpha * fround(fround(decay / h) + 1));
}

/** alpha * ((exp(-h) - 1 + h) / h^2 - 1/2). */
function curveWeight({ alpha, decay, h }: Step): number {
  const ratio = fround(fround(decay + h) / fround(h * h));
  return fround(alpha * fround(ratio - 0.5));
}
