// The invert-image stage: the noise from which the image model would have made these latents. Conditioned on the negative
// prompt and without guidance, as the official code does it (mixed_inversion.py:885-896).

import type { InvertImageParams } from '../../../common/stages.ts';
import type { StageBody } from '../../inference/ports.ts';
import { invertClip, invertFrames } from '../inversion.ts';
import { latentsInput } from '../stage-inputs.ts';

/**
 * `noise`: of the latents' shape. Scope `window` runs the UNet inflated over the clip, whose norms see all its frames; scope
 * `frame` the plain UNet with the frames as its batch.
 */
export const invertImage: StageBody<InvertImageParams> = async (input, context) => {
  const latents = latentsInput(input, 'latents');
  const { params, frames } = input;
  const options = { ...params, frames, stage: 'invert-image' } as const;
  const invert = params.normScope === 'window' ? invertClip : invertFrames;
  return { noise: await invert(latents, options, context) };
};
