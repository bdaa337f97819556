// The noise that frames are drawn from. Each has its own; with a shared part they differ less, and so do the pictures (the authors see frames that
// differ much as why smoothing blurs them: MCG-NJU/BIVDiff, issue 1).

import { weightedSum } from '../../common/diffusion/predicted-sample.ts';
import { frameNoise } from '../tensor/frame-noise.ts';
import { floatTensor } from '../tensor/tensor.ts';
import type { FloatTensor } from '../tensor/tensor.ts';

const { fround, sqrt } = Math;

export interface DrawingNoise {
  /** 0..2^53-1. */
  readonly seed: number;
  /** Indices in the job. */
  readonly frames: readonly number[];
  /** Share of the variance that all frames have in common, 0..1; the correlation of any two. @default 0 */
  readonly shared?: number | undefined;
}

/** Standard normals, `[frames, ...]`: of the start, or of a sampler's step. */
export function drawingNoise(
  shape: readonly number[],
  { seed, frames, shared = 0 }: DrawingNoise,
  step?: number,
): FloatTensor {
  const at = step === undefined ? {} : { step };
  const kind = step === undefined ? 'initial' : 'step';
  const own = frameNoise(shape, { seed, frames, purpose: `generate-${kind}`, ...at });
  if (shared === 0) return own;
  // The same whichever frames a task has.
  const key = { seed, frames: [0], purpose: `shared-${kind}`, ...at } as const;
  const { data: common } = frameNoise([1, ...shape.slice(1)], key);
  const [ofAll, ofOwn] = [fround(sqrt(shared)), fround(sqrt(1 - shared))];
  const data = new Float32Array(own.data.length);
  for (let start = 0; start < data.length; start += common.length) {
    const part = own.data.subarray(start, start + common.length);
    data.set(weightedSum(ofAll, common, ofOwn, part), start);
  }
  return floatTensor(shape, data);
}
