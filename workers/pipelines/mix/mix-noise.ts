// The arithmetic of mixing.

import assert from 'node:assert/strict';

import { floatTensor } from '../../tensor/tensor.ts';
import type { FloatTensor } from '../../tensor/tensor.ts';

/**
 * ratio * image + (1 - ratio) * video, where `1 - ratio` is taken in float64 and everything else, the two factors
 * included, is rounded to float32: bit for bit what torch gives. The ratio multiplies the image model's noise; the
 * variance is not restored.
 */
export function mixNoise(image: FloatTensor, video: FloatTensor, ratio: number): FloatTensor {
  assert.deepEqual(image.shape, video.shape, 'the noises to mix differ in shape');
  const imageShare = Math.fround(ratio);
  const videoShare = Math.fround(1 - ratio);
  const mixed = floatTensor(image.shape);
  for (let i = 0; i < mixed.data.length; i += 1) {
    const fromImage = Math.fround(imageShare * image.data[i]!);
    mixed.data[i] = fromImage + Math.fround(videoShare * video.data[i]!);
  }
  return mixed;
}
