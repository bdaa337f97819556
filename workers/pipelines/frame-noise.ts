// The noise of a task's frames, as a tensor.

import { standardNormals } from '../tensor/noise.ts';
import type { NoiseKey } from '../tensor/noise.ts';
import { elementCount, floatTensor } from '../tensor/tensor.ts';
import type { FloatTensor } from '../tensor/tensor.ts';

/** Standard normals of a shape whose first axis is the frames of the key. */
export function frameNoise(shape: readonly number[], key: NoiseKey): FloatTensor {
  return floatTensor(shape, standardNormals(key, elementCount(shape.slice(1))));
}
