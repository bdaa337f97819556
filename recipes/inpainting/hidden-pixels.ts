// Rectangles as the inpainting UNet sees them: pictures without them, and which latents they hide.

import { floatTensor } from '../../workers/tensor/tensor.ts';
import type { FloatTensor } from '../../workers/tensor/tensor.ts';
import type { Rectangle } from '../pipeline/rectangles.ts';

/** Pixels `[frames, 3, height, width]` in -1..1, hidden ones 0 (middle gray). `hidden`: of each frame. */
export function withoutHidden(
  pixels: FloatTensor,
  hidden: readonly (readonly Rectangle[])[],
): FloatTensor {
  const [, channels = 0, height = 0, width = 0] = pixels.shape;
  const known = floatTensor(pixels.shape, pixels.data.slice());
  for (const [frame, rectangles] of hidden.entries()) {
    for (const one of rectangles) {
      for (let row = one.y; row < one.y + one.height; row += 1) {
        for (let channel = 0; channel < channels; channel += 1) {
          const start = ((frame * channels + channel) * height + row) * width + one.x;
          known.data.fill(0, start, start + one.width);
        }
      }
    }
  }
  return known;
}

/** `[frames, 1, h, w]` of 0 and 1: 1 where the pixel at a latent's upper left corner is hidden (torch's nearest). */
export function latentMask(
  hidden: readonly (readonly Rectangle[])[],
  pictures: { readonly shape: readonly number[] },
  latents: readonly number[],
): FloatTensor {
  const [, pixelHeight = 0, pixelWidth = 0] = pictures.shape;
  const [frames = 0, , height = 0, width = 0] = latents;
  const mask = floatTensor([frames, 1, height, width]);
  const [down, across] = [pixelHeight / height, pixelWidth / width];
  for (let i = 0; i < mask.data.length; i += 1) {
    const frame = Math.floor(i / (height * width));
    const y = Math.floor((Math.floor(i / width) % height) * down);
    const x = Math.floor((i % width) * across);
    const isHidden = hidden[frame]!.some(
      (one) => x >= one.x && x < one.x + one.width && y >= one.y && y < one.y + one.height,
    );
    mask.data[i] = isHidden ? 1 : 0;
  }
  return mask;
}
