// Logarithm, exponentials and cosine from + - * / alone, which IEEE 754 rounds alike everywhere. Math.log, Math.exp and
// Math.cos may differ in their last bits from one engine to the next, and what is made of them would too.

import assert from 'node:assert/strict';

// ln 2 in two parts: the first has trailing zeros, so that its product with a small integer is exact (Sun's fdlibm, e_exp.c).
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

/** Reciprocals of odd numbers, the atanh series; 23 terms' worth reaches double precision at |s| <= 0.172. */
const ATANH_ORDER_MAX = 23;
/** Beyond it the terms of exp's series at |r| <= 0.35, and of cosine's and sine's at pi/4, are below double precision. */
const EXP_ORDER_MAX = 14;
const COSINE_ORDER_MAX = 18;
/** Up to here exp's series without its first term, to this order, is precise to a double. */
const EXPM1_SERIES_MAX = 0.1;
const EXPM1_ORDER_MAX = 12;

const view = new DataView(new ArrayBuffer(8));

/** Natural logarithm, within 2 units in the last place. `value` > 0; of 0 it is -Infinity, of Infinity Infinity. */
export function pinnedLog(value: number): number {
  assert(value >= 0, `logarithm of ${value}`);
  if (value === 0) return -Infinity;
  if (value === Infinity) return Infinity;
  let { exponent, fraction } = splitExponent(value);
  if (fraction > Math.SQRT2) {
    fraction /= 2;
    exponent += 1;
  }
  // log(m) = 2 atanh((m - 1) / (m + 1)).
  const s = (fraction - 1) / (fraction + 1);
  const square = s * s;
  let series = 0;
  for (let order = ATANH_ORDER_MAX; order >= 3; order -= 2) series = (series + 1 / order) * square;
  return exponent * LN2_HIGH + (2 * s + (2 * s * series + exponent * LN2_LOW));
}

/** e to the `value`, within 2 units in the last place while the result is a normal number; 0 below. */
export function pinnedExp(value: number): number {
  if (value > 709.7) return Infinity;
  if (value < -708) return 0;
  const power = Math.floor(value / LN2_HIGH + 0.5);
  const rest = value - power * LN2_HIGH - power * LN2_LOW;
  let series = 1;
  for (let order = EXP_ORDER_MAX; order >= 1; order -= 1) series = 1 + (rest / order) * series;
  return series * powerOfTwo(power);
}

/** e to the `value`, less 1: of small values too as many digits as of others. */
export function pinnedExpm1(value: number): number {
  if (Math.abs(value) > EXPM1_SERIES_MAX) return pinnedExp(value) - 1;
  let series = 1;
  for (let order = EXPM1_ORDER_MAX; order >= 2; order -= 1) series = 1 + (value / order) * series;
  return value * series;
}

/** Cosine of an angle within 0..pi/2, within 2e-16. */
export function pinnedCosine(angle: number): number {
  assert(angle >= 0 && angle <= Math.PI / 2, `cosine of ${angle}`);
  return angle <= Math.PI / 4 ? cosineSeries(angle) : sineSeries(Math.PI / 2 - angle);
}

function cosineSeries(angle: number): number {
  let series = 1;
  for (let order = COSINE_ORDER_MAX; order >= 2; order -= 2) {
    series = 1 - ((angle * angle) / (order * (order - 1))) * series;
  }
  return series;
}

function sineSeries(angle: number): number {
  let series = 1;
  for (let order = COSINE_ORDER_MAX + 1; order >= 3; order -= 2) {
    series = 1 - ((angle * angle) / (order * (order - 1))) * series;
  }
  return angle * series;
}

/** value = fraction * 2^exponent, fraction in 1..2. */
function splitExponent(value: number): { exponent: number; fraction: number } {
  const subnormal = value < 2 ** -1022;
  view.setFloat64(0, subnormal ? value * 2 ** 54 : value);
  const high = view.getUint32(0);
  view.setUint32(0, (high & 0x000fffff) | 0x3ff00000);
  return { exponent: (high >>> 20) - 1023 - (subnormal ? 54 : 0), fraction: view.getFloat64(0) };
}

/** Exactly 2^power, for normal numbers. */
function powerOfTwo(power: number): number {
  if (power > 1023) return 2 * powerOfTwo(power - 1);
  view.setUint32(0, (power + 1023) << 20);
  view.setUint32(4, 0);
  return view.getFloat64(0);
}
