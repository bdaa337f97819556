// Frame rates as the exact fractions that containers keep. Pure.

export interface FrameRate {
  readonly numerator: number;
  readonly denominator: number;
}

/**
 * The fraction that a rate stands for: whole rates as they are, 23.976 and its like as n * 1000/1001, others to the
 * thousandth.
 */
export function frameRateOf(framesPerSecond: number): FrameRate {
  if (Number.isInteger(framesPerSecond)) return { numerator: framesPerSecond, denominator: 1 };
  const whole = Math.round((framesPerSecond * 1001) / 1000);
  if (Math.abs((whole * 1000) / 1001 - framesPerSecond) < 5e-4) {
    return { numerator: whole * 1000, denominator: 1001 };
  }
  const numerator = Math.round(framesPerSecond * 1000);
  const divisor = greatestCommonDivisor(numerator, 1000);
  return { numerator: numerator / divisor, denominator: 1000 / divisor };
}

/** Whether two rates are one to whoever writes them. */
export function isSameRate(a: number, b: number): boolean {
  const [one, other] = [frameRateOf(a), frameRateOf(b)];
  return one.numerator === other.numerator && one.denominator === other.denominator;
}

/** When frame `index` is shown, in ticks, rounded. No drift: every time is counted from zero. */
export function timeOfFrame(index: number, rate: FrameRate, ticksPerSecond: number): number {
  return Math.round((index * rate.denominator * ticksPerSecond) / rate.numerator);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
