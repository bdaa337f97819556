// The frames of a tensor one by one, as the vision functions take them.

import type { RgbImage } from '../media/media-types.ts';
import type { FrameTensor } from '../tensor/tensor.ts';

/** Views of the frames of `[frames, height, width, 3]`, in order. */
export function picturesOf(frames: FrameTensor): readonly RgbImage[] {
  const [count = 0, height = 0, width = 0] = frames.shape;
  const size = height * width * 3;
  return Array.from({ length: count }, (_, frame) => {
    return { rgb: frames.data.subarray(frame * size, (frame + 1) * size), width, height };
  });
}
