// The inverse of the standard normal distribution, from arithmetic that IEEE 754 pins: + - * / and sqrt.
// Wichura, Algorithm AS 241 (Applied Statistics 37, 1988), PPND16: relative error about 1e-16.

import assert from 'node:assert/strict';

import { pinnedLog } from '../../common/diffusion/pinned-math.ts';

/** A quotient of two polynomials, coefficients of the highest power first. */
interface Rational {
  readonly numerator: readonly number[];
  readonly denominator: readonly number[];
}

/** For probabilities within 0.5 +- 0.425, in 0.425^2 - (p - 0.5)^2. */
const CENTRE: Rational = {
  numerator: [
    2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
    13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608,
  ],
  denominator: [
    5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
    5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1,
  ],
};

/** For sqrt(-log p) up to 5, in that minus 1.6. */
const NEAR_TAIL: Rational = {
  numerator: [
    7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177,
    1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959,
    1.42343711074968357734,
  ],
  denominator: [
    1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966,
    0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187,
    1,
  ],
};

/** For sqrt(-log p) above 5, in that minus 5. */
const FAR_TAIL: Rational = {
  numerator: [
    2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
    0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699,
    6.6579046435011037772,
  ],
  denominator: [
    2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
    7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531,
    0.59983220655588793769, 1,
  ],
};

/** The value that a standard normal variable is below with this probability, strictly between 0 and 1. */
export function normalQuantile(probability: number): number {
  assert(probability > 0 && probability < 1, `probability ${probability}`);
  const offset = probability - 0.5;
  if (Math.abs(offset) <= 0.425) return offset * evaluate(CENTRE, 0.180625 - offset * offset);
  const tail = Math.sqrt(-pinnedLog(offset < 0 ? probability : 1 - probability));
  const distance = tail <= 5 ? evaluate(NEAR_TAIL, tail - 1.6) : evaluate(FAR_TAIL, tail - 5);
  return offset < 0 ? -distance : distance;
}

function evaluate({ numerator, denominator }: Rational, at: number): number {
  return polynomial(numerator, at) / polynomial(denominator, at);
}

function polynomial(coefficients: readonly number[], at: number): number {
  let value = 0;
  for (const coefficient of coefficients) value = value * at + coefficient;
  return value;
}
