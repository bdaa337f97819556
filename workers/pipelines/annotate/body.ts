// The annotate stage: outlines of the source frames, as the pictures that ControlNet draws over.

import type { AnnotateParams } from '../../../common/stages.ts';
import type { StageBody } from '../../inference/ports.ts';
import { frameTensor } from '../../tensor/tensor.ts';
import { canny } from '../../vision/canny.ts';
import { picturesOf } from '../pictures.ts';
import { framesInput } from '../stage-inputs.ts';

/** `control`: white outlines on black, of the frames' shape. */
export const annotate: StageBody<AnnotateParams> = async (input, context) => {
  const frames = framesInput(input, 'frames');
  const { low, high } = input.params;
  const control = frameTensor(frames.shape);
  const pictures = picturesOf(frames);
  let at = 0;
  for (const [index, picture] of pictures.entries()) {
    context.throwIfCancelled();
    for (const level of canny({ ...picture, low, high })) {
      control.data.fill(level, at, at + 3);
      at += 3;
    }
    context.progress(index + 1, pictures.length);
  }
  return Promise.resolve({ control });
};
