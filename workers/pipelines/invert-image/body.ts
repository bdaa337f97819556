// The invert-image stage: the noise from which the image model would have made these latents. Conditioned on the negative
// prompt and without guidance, as the official code does it (mixed_inversion.py:885-896).

import type { InvertImageParams } from '../../../common/stages.ts';
import type { StageBody } from '../../inference/ports.ts';
import { invertClip, invertFrames, invertWindows } from '../inversion.ts';
import { latentCopiesInput, latentsInput } from '../stage-inputs.ts';

/**
 * `noise`: of the latents' shape; of one step of windows, `latents`, those windows one after the other. Scope `window` runs the UNet inflated over the clip, whose norms see all its frames; scope
 * `frame` the plain UNet with the frames as its batch.
 */
export const invertImage: StageBody<InvertImageParams> = async (input, context) => {
  const { params, frames } = input;
  const { windows } = params;
  const options = { ...params, frames, stage: 'invert-image' } as const;
  if (windows !== undefined) {
    const copies = latentCopiesInput(input, 'latents');
    return { latents: await invertWindows(copies, { ...options, windows }, context) };
  }
  const latents = latentsInput(input, 'latents');
  const invert = params.normScope === 'window' ? invertClip : invertFrames;
  return { noise: await invert(latents, options, context) };
};
