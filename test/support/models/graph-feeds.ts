// Feeds for any graph of a model set, by the names that its contract gives to inputs and sizes.

import type { Session } from '../../../workers/inference/ports.ts';
import { elementCount, floatTensor } from '../../../workers/tensor/tensor.ts';
import type { Tensor } from '../../../workers/tensor/tensor.ts';

/** Latents of 16 by 8, and pictures eight times as large; prompt-to-prompt has two prompts, with and without text. */
const SIZES: Readonly<Record<string, number>> = {
  ...{ batch: 4, frames: 5, edits: 1, sequence: 77, tokens: 77 },
  ...{ height: 16, width: 8, latent_height: 16, latent_width: 8 },
  ...{ image_height: 128, image_width: 64 },
};

/** A ramp in each input. */
export function feedsOf({ inputs }: Pick<Session, 'inputs'>): Readonly<Record<string, Tensor>> {
  // Pictures halve further than latents do.
  const isOfPictures = !inputs.some(({ name }) => name === 'timestep' || name === 'latent_sample');
  const sizes = isOfPictures ? { ...SIZES, height: 64, width: 64 } : SIZES;
  return Object.fromEntries(
    inputs.map(({ name, type, shape }): [string, Tensor] => {
      const fed = shape.map((size) => (typeof size === 'number' ? size : (sizes[size] ?? 1)));
      const length = elementCount(fed);
      if (type === 'int64') {
        const data = BigInt64Array.from({ length }, (_, i) => BigInt(i % 77));
        return [name, { type, shape: fed, data }];
      }
      if (name === 'timestep') return [name, floatTensor(fed, Float32Array.of(321))];
      const data = Float32Array.from({ length }, (_, i) => Math.sin(i / 7));
      return [name, floatTensor(fed, data)];
    }),
  );
}
