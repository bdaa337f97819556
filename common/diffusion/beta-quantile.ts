// The inverse of the beta distribution's cumulative function where both its parameters are 0.6, of which noise levels are spaced (arXiv
// 2407.12173). From + - * / and pinned powers alone, so that it is the same everywhere.

import assert from 'node:assert/strict';

import { pinnedExp, pinnedLog } from './pinned-math.ts';

const SHAPE = 0.6;
/** Terms of the series, which at 1/2 and below halve at least: the last is below double precision. */
const TERMS = 60;
/** Each doubles the digits, from about one. */
const NEWTON_STEPS = 8;

/** Where the cumulative function is `share`, 0..1; within 1e-14. */
export function betaQuantile(share: number): number {
  assert(share >= 0 && share <= 1, `quantile of ${share}`);
  // It is symmetric, and the series is for the lower half.
  if (share > 0.5) return 1 - lowerQuantile(1 - share);
  return lowerQuantile(share);
}

function lowerQuantile(share: number): number {
  if (share === 0) return 0;
  const area = share * 2 * incompleteBeta(0.5);
  // The series' first term alone; from there Newton's steps go to the root from one side, since the function is concave.
  let x = power(SHAPE * area, 1 / SHAPE);
  for (let step = 0; step < NEWTON_STEPS; step += 1) {
    const density = power(x, SHAPE - 1) * power(1 - x, SHAPE - 1);
    x -= (incompleteBeta(x) - area) / density;
  }
  return x;
}

/** Integral of t^(a-1) (1-t)^(a-1) from 0 to `x`, which is within 0..1/2 or little above: x^a sum of (1-a)_n / (n! (a+n)) x^n. */
function incompleteBeta(x: number): number {
  let coefficient = 1;
  let sum = 0;
  for (let n = 0; n < TERMS; n += 1) {
    sum += coefficient / (SHAPE + n);
    coefficient *= ((1 - SHAPE + n) / (n + 1)) * x;
  }
  return power(x, SHAPE) * sum;
}

function power(base: number, exponent: number): number {
  return pinnedExp(exponent * pinnedLog(base));
}
