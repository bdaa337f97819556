// The predictor and the corrector of UniPC (arXiv 2302.04867, algorithms 1 and 2) where the model predicts clean samples. Coefficients are
// rounded to float32 where diffusers rounds them; the small linear systems are solved in double.

import { pinnedExpm1 } from '../pinned-math.ts';
import type { SolverConfig } from '../scheduler-config.ts';
import type { NoiseLevel } from './dpm-update.ts';

const { fround } = Math;

export interface UniHistory {
  /** Predicted clean samples, newest last; their number is the order. */
  readonly predictions: readonly Float32Array[];
  /** Of the state at each prediction, and after the step: one more. */
  readonly levels: readonly NoiseLevel[];
  /** B(h): -h or exp(-h) - 1. */
  readonly type: SolverConfig['type'];
}

/** The state at the last level. */
export function predictState(sample: Float32Array, history: UniHistory): Float32Array {
  const step = stepOf(history);
  if (step === undefined) return sample.slice();
  const slopes = slopesOf(history, step);
  const { matrix, targets } = step;
  // Of order 2 diffusers takes what the system's solution tends to.
  const weights =
    slopes.length < 2
      ? [0.5]
      : solve(
          matrix.slice(0, -1).map((row) => row.slice(0, -1)),
          targets.slice(0, -1),
        );
  return along(sample, history, { step, change: (i) => weighted(slopes, weights, i) });
}

/** The same state again, now that the model has predicted the clean sample `clean` of what `predictState` gave. */
export function correctState(
  sample: Float32Array,
  history: UniHistory,
  clean: Float32Array,
): Float32Array {
  const step = stepOf(history);
  if (step === undefined) return sample.slice();
  const slopes = slopesOf(history, step);
  const weights = slopes.length === 0 ? [0.5] : solve(step.matrix, step.targets);
  const newest = history.predictions.at(-1)!;
  const own = weights.at(-1)!;
  return along(sample, history, {
    step,
    change: (i) => weighted(slopes, weights, i) + fround(own * fround(clean[i]! - newest[i]!)),
  });
}

interface Step {
  readonly sampleWeight: number;
  readonly cleanWeight: number;
  /** alpha * B(h). */
  readonly gain: number;
  /** Of each older prediction, newest first: how far back it lies, in steps of this size; below 0. */
  readonly ratios: readonly number[];
  /** Equation 5 of the paper: of powers of the ratios and 1, one row for each power. */
  readonly matrix: readonly (readonly number[])[];
  readonly targets: readonly number[];
}

/** Undefined between two equal levels: nothing is to do, while the formulas divide by the distance. */
function stepOf({ levels, type }: UniHistory): Step | undefined {
  const [target, start, ...older] = levels.toReversed() as [NoiseLevel, NoiseLevel];
  const h = fround(target.lambda - start.lambda);
  if (h === 0) return undefined;
  const decay = fround(pinnedExpm1(-h));
  const b = type === 'bh1' ? -h : decay;
  const ratios = (older as readonly NoiseLevel[]).map((level) =>
    fround(fround(level.lambda - start.lambda) / h),
  );
  const columns = [...ratios, 1];
  const powers = [columns.map(() => 1), columns, columns.map((ratio) => fround(ratio * ratio))];
  return {
    sampleWeight: fround(target.spread / start.spread),
    cleanWeight: fround(target.alpha * decay),
    gain: fround(target.alpha * b),
    ratios,
    matrix: powers.slice(0, columns.length),
    targets: targetsOf(columns.length, { h, decay, b }),
  };
}

/** k! phi_(k+1)(-h) / B(h), for k from 1. */
function targetsOf(
  count: number,
  { h, decay, b }: { readonly h: number; readonly decay: number; readonly b: number },
): number[] {
  let phi = fround(fround(decay / -h) - 1);
  let factorial = 1;
  return Array.from({ length: count }, (_, i) => {
    const target = fround(fround(phi * factorial) / b);
    factorial *= i + 2;
    phi = fround(fround(phi / -h) - fround(1 / factorial));
    return target;
  });
}

/** Of each older prediction, newest first: its difference to the newest, for each step that it lies back. */
function slopesOf({ predictions }: UniHistory, { ratios }: Step): readonly Float32Array[] {
  const [newest, ...older] = predictions.toReversed() as [Float32Array, ...Float32Array[]];
  return older.map((values, k) =>
    values.map((value, i) => fround(value - newest[i]!) / ratios[k]!),
  );
}

function weighted(
  slopes: readonly Float32Array[],
  weights: readonly number[],
  index: number,
): number {
  let sum = 0;
  for (const [k, slope] of slopes.entries()) {
    sum = fround(sum + fround(weights[k]! * slope[index]!));
  }
  return sum;
}

/** Equation 3 of the paper, with what changes along the step taken by `change` of each value. */
function along(
  sample: Float32Array,
  { predictions }: UniHistory,
  { step, change }: { readonly step: Step; readonly change: (index: number) => number },
): Float32Array {
  const newest = predictions.at(-1)!;
  return sample.map((x, i) => {
    const moved = fround(fround(step.sampleWeight * x) - fround(step.cleanWeight * newest[i]!));
    return moved - fround(step.gain * fround(change(i)));
  });
}

/** By elimination with the largest pivots, in double, each result rounded to float32. */
function solve(matrix: readonly (readonly number[])[], targets: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, targets[i]!]);
  const size = rows.length;
  for (let column = 0; column < size; column += 1) {
    const below = rows.slice(column);
    const pivot = below.reduce((a, b) => (Math.abs(b[column]!) > Math.abs(a[column]!) ? b : a));
    const place = rows.indexOf(pivot);
    [rows[column], rows[place]] = [pivot, rows[column]!];
    for (const row of rows.slice(column + 1)) {
      const factor = row[column]! / pivot[column]!;
      for (let k = column; k <= size; k += 1) row[k]! -= factor * pivot[k]!;
    }
  }
  const solution = new Array<number>(size).fill(0);
  for (let i = size - 1; i >= 0; i -= 1) {
    let rest = rows[i]![size]!;
    for (let k = i + 1; k < size; k += 1) rest -= rows[i]![k]! * solution[k]!;
    solution[i] = rest / rows[i]![i]!;
  }
  return solution.map(fround);
}
