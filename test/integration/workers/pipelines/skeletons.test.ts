// Goal: a skeleton is drawn as the models that ship saw it in training, so that a ControlNet sees what it knows.

import { expect, it } from 'vitest';

import type { OwnSkeleton } from '../../../../common/models/annotator-card.ts';
import { drawSkeleton } from '../../../../workers/vision/skeleton.ts';
import { frameTensor } from '../../../../workers/tensor/tensor.ts';
import { goldenFloats, goldenFrames, maxDifference } from './goldens.ts';

/** Of models/train/controls.py; edges have the colours that they have by default. */
const skeleton: OwnSkeleton = {
  edges: [1, 2, 3, 4, 5].map((corner) => [0, corner]),
  colors: [
    [255, 255, 255],
    [255, 0, 0],
    [255, 255, 0],
    [0, 255, 0],
    [0, 255, 255],
    [85, 85, 255],
  ],
  ...{ radius: 4, lineWidth: 4 },
};

it('draws the recorded skeletons, to a level', () => {
  const [places, seen] = [goldenFloats('skeletons', 'joints'), goldenFrames('skeletons', 'seen')];
  const pictures = goldenFrames('skeletons', 'pictures');
  const [count = 0, height = 0, width = 0] = pictures.shape;
  const joints = seen.shape[1]!;
  const drawn = Array.from({ length: count }, (_, one) => {
    const all = Array.from({ length: joints }, (__, joint) => {
      const at = one * joints + joint;
      const [x, y] = [places.data[2 * at]!, places.data[2 * at + 1]!];
      return { x, y, score: seen.data[at]! };
    });
    return drawSkeleton(all, { width, height, skeleton, threshold: 0.3 }).rgb;
  });
  const made = frameTensor(pictures.shape, new Uint8Array(Buffer.concat(drawn)));
  expect(maxDifference(made, pictures)).toBeLessThanOrEqual(1);
});
