// The noise of frames, which is all noise of a render: standard normals that depend on (seed, frame, purpose, step) alone, not on what
// was drawn before, by whom or on which machine. Every operation on the way is exact or pinned by IEEE 754, so the bits are the same
// everywhere.

import assert from 'node:assert/strict';

import type { Seed } from '../../common/stages.ts';
import { normalQuantile } from './normal-quantile.ts';
import { philox4x32 } from './philox.ts';
import { elementCount, floatTensor } from './tensor.ts';
import type { FloatTensor } from './tensor.ts';

/**
 * What noise is for. Different purposes of one frame are independent.
 * - `generate-initial`: the state from which the image model starts
 * - `generate-step`: what ancestral samplers add at a step
 * - `encode-posterior`: the draw from the VAE's posterior
 * - `smooth-initial`: what frames are noised with that nobody inverts
 * - `shared-initial`, `shared-step`: what all frames of a job have in common of the first two
 */
export type NoisePurpose = keyof typeof PURPOSE_WORDS;

export interface NoiseKey {
  readonly seed: Seed;
  /** Indices in the job, each 0..2^32-1. */
  readonly frames: readonly number[];
  readonly purpose: NoisePurpose;
  /** 0..2^32-1. @default 0 */
  readonly step?: number;
}

/** Part of every render's identity: a changed number changes all noise of that purpose. */
const PURPOSE_WORDS = {
  'generate-initial': 0,
  'generate-step': 1,
  'encode-posterior': 2,
  'smooth-initial': 3,
  'shared-initial': 4,
  'shared-step': 5,
} as const;

const WORD_COUNT = 2 ** 32;
const WORDS_PER_BLOCK = 4;

/** Standard normals of a shape whose first axis is the frames of the key. */
export function frameNoise(shape: readonly number[], key: NoiseKey): FloatTensor {
  return floatTensor(shape, standardNormals(key, elementCount(shape.slice(1))));
}

/** `valuesPerFrame` standard normals for each frame, one frame after another. Between -6.4 and 6.4. */
export function standardNormals(key: NoiseKey, valuesPerFrame: number): Float32Array {
  const values = new Float32Array(key.frames.length * valuesPerFrame);
  for (const [i, frame] of key.frames.entries()) {
    const start = i * valuesPerFrame;
    const seed = seedOfFrame(key.seed, i);
    fillFrame(values.subarray(start, start + valuesPerFrame), frame, { ...key, seed });
  }
  return values;
}

/** `index`: of the frame among those of the task. */
export function seedOfFrame(seed: Seed, index: number): number {
  if (typeof seed === 'number') return seed;
  const own = seed[index];
  assert(own !== undefined, 'there is not a seed for each frame');
  return own;
}

/** The key is the seed; the counter says which block, step, frame and purpose: no two draws share a block. */
function fillFrame(
  values: Float32Array,
  frame: number,
  { seed, purpose, step = 0 }: NoiseKey & { readonly seed: number },
): void {
  assert(Number.isSafeInteger(seed) && seed >= 0, `seed ${seed}`);
  assert(isWord(frame), `frame ${frame}`);
  assert(isWord(step), `step ${step}`);
  const key = [seed % WORD_COUNT, Math.floor(seed / WORD_COUNT)] as const;
  for (let start = 0, block = 0; start < values.length; start += WORDS_PER_BLOCK, block += 1) {
    const words = philox4x32([block, step, frame, PURPOSE_WORDS[purpose]], key);
    const count = Math.min(WORDS_PER_BLOCK, values.length - start);
    // The middle of the word's share of 0..1: never 0 or 1, and symmetric.
    for (let i = 0; i < count; i += 1) {
      values[start + i] = normalQuantile((words[i]! + 0.5) / WORD_COUNT);
    }
  }
}

function isWord(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < WORD_COUNT;
}
