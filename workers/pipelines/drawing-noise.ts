// The noise that frames are drawn from. Each has its own; with a shared part they differ less, and so do the pictures (the authors see frames that
// differ much as why smoothing blurs them: MCG-NJU/BIVDiff, issue 1).

import { weightedSum } from '../../common/diffusion/predicted-sample.ts';
import type { Seed } from '../../common/stages.ts';
import { frameNoise, seedOfFrame } from '../tensor/frame-noise.ts';
import { floatTensor } from '../tensor/tensor.ts';
import type { FloatTensor } from '../tensor/tensor.ts';

const { fround, sqrt } = Math;

export interface DrawingNoise {
  readonly seed: Seed;
  /** Indices in the job. */
  readonly frames: readonly number[];
  /** Share of the variance that all frames of a seed have in common, 0..1; the correlation of any two. @default 0 */
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
  const [ofAll, ofOwn] = [fround(sqrt(shared)), fround(sqrt(1 - shared))];
  const data = new Float32Array(own.data.length);
  const size = data.length / frames.length;
  const commons = new Map<number, Float32Array>();
  for (const index of frames.keys()) {
    const ownSeed = seedOfFrame(seed, index);
    const common = commons.get(ownSeed) ?? commonNoise(shape, { seed: ownSeed, kind, step });
    commons.set(ownSeed, common);
    const part = own.data.subarray(index * size, (index + 1) * size);
    data.set(weightedSum(ofAll, common, ofOwn, part), index * size);
  }
  return floatTensor(shape, data);
}

/** The same whichever frames a task has. */
function commonNoise(
  shape: readonly number[],
  {
    seed,
    kind,
    step = 0,
  }: {
    readonly seed: number;
    readonly kind: 'initial' | 'step';
    readonly step: number | undefined;
  },
): Float32Array {
  return frameNoise([1, ...shape.slice(1)], { seed, frames: [0], purpose: `shared-${kind}`, step })
    .data;
}
