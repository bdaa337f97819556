// Inputs for any graph of a model set, by the names that its contract gives to sizes. Equal for equal seeds.

import { elementCount, floatTensor } from '../../workers/tensor/tensor.ts';
import type { Tensor } from '../../workers/tensor/tensor.ts';
import type { ValueFacts } from '../../workers/inference/ports.ts';

/** Latents of one pixel are pictures of eight. */
const SCALE = 8;
const PICTURE_CHANNELS = 3;
const TIMESTEP = 321;
const TOKENS = 77;
/** Below every vocabulary's size. */
const IDS = 500;

export interface ExampleSizes {
  /** Of guidance, or of frames where each is one sample. */
  readonly batch: number;
  readonly frames: number;
  /** Of latents. */
  readonly height: number;
  readonly width: number;
}

export function exampleInputs(
  inputs: readonly ValueFacts[],
  sizes: ExampleSizes,
): Readonly<Record<string, Tensor>> {
  const random = mulberry(42);
  return Object.fromEntries(
    inputs.map(({ name, type, shape }): [string, Tensor] => {
      const scale = shape.includes(PICTURE_CHANNELS) && !shape.includes('image_height') ? SCALE : 1;
      const given = shape.map((size) =>
        typeof size === 'number' ? size : sizeOf(size, sizes, scale),
      );
      const count = elementCount(given);
      if (type === 'int64') {
        const data = BigInt64Array.from({ length: count }, () =>
          BigInt(Math.floor(random() * IDS)),
        );
        return [name, { type, shape: given, data }];
      }
      return [
        name,
        floatTensor(
          given,
          Float32Array.from({ length: count }, () => valueOf(name, random)),
        ),
      ];
    }),
  );
}

function sizeOf(name: string, sizes: ExampleSizes, scale: number): number {
  if (name === 'batch') return sizes.batch;
  if (name === 'frames') return sizes.frames;
  if (name === 'sequence') return TOKENS;
  if (name === 'edits') return 1;
  const isPicture = name.startsWith('image_');
  const latent = name.endsWith('height') ? sizes.height : sizes.width;
  return latent * (isPicture ? SCALE : scale);
}

function valueOf(name: string, random: () => number): number {
  if (name === 'timestep') return TIMESTEP;
  if (name === 'conditioning_scales') return 1;
  // Pictures, latents and embeddings alike: as large as latents are.
  return (random() - 0.5) * Math.sqrt(12);
}

/** Thirty-two bits of state: enough for values that nobody shall guess. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
