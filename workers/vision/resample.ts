// Planes of numbers at another size, as PIL resizes: a filter that widens when shrinking, pixels being squares. Pure; the same on every
// machine.

export type ResampleFilter = 'bilinear' | 'bicubic';

export interface PlaneSize {
  readonly width: number;
  readonly height: number;
}

/** Pixels on each side that count, before widening. */
const SUPPORT: Readonly<Record<ResampleFilter, number>> = { bilinear: 1, bicubic: 2 };

/** `[height, width]` of `from` as one of `to`. Never clamped: bicubic goes a little beyond the values that it is given. */
export function resample(
  plane: ArrayLike<number>,
  { from, to, filter }: { from: PlaneSize; to: PlaneSize; filter: ResampleFilter },
): Float64Array {
  const across = tapsOf(from.width, to.width, filter);
  const down = tapsOf(from.height, to.height, filter);
  const rows = new Float64Array(from.height * to.width);
  for (let y = 0; y < from.height; y += 1) {
    for (let x = 0; x < to.width; x += 1) {
      const { first, weights } = across[x]!;
      let sum = 0;
      for (let i = 0; i < weights.length; i += 1) {
        sum += weights[i]! * plane[y * from.width + first + i]!;
      }
      rows[y * to.width + x] = sum;
    }
  }
  const out = new Float64Array(to.height * to.width);
  for (let y = 0; y < to.height; y += 1) {
    const { first, weights } = down[y]!;
    for (let x = 0; x < to.width; x += 1) {
      let sum = 0;
      for (let i = 0; i < weights.length; i += 1)
        sum += weights[i]! * rows[(first + i) * to.width + x]!;
      out[y * to.width + x] = sum;
    }
  }
  return out;
}

interface Taps {
  readonly first: number;
  /** They add up to 1. */
  readonly weights: readonly number[];
}

function tapsOf(from: number, to: number, filter: ResampleFilter): readonly Taps[] {
  const scale = from / to;
  const widened = Math.max(scale, 1);
  const support = SUPPORT[filter] * widened;
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support + 0.5));
    const end = Math.min(from, Math.floor(centre + support + 0.5));
    const raw = Array.from({ length: end - first }, (__, k) =>
      weightAt((first + k + 0.5 - centre) / widened, filter),
    );
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { first, weights: raw.map((weight) => weight / sum) };
  });
}

function weightAt(distance: number, filter: ResampleFilter): number {
  const x = Math.abs(distance);
  if (filter === 'bilinear') return Math.max(0, 1 - x);
  // Keys' kernel with a = -1/2.
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}
