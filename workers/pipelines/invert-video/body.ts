// The invert-video stage: the noise from which the video model would have made these latents. Its own UNet and text encoder,
// but the image model's scheduler and VAE (official code, inference.py:106-132).

import type { InvertVideoParams } from '../../../common/stages.ts';
import type { StageBody } from '../../inference/ports.ts';
import { invertClip, invertWindows } from '../inversion.ts';
import { latentCopiesInput, latentsInput } from '../stage-inputs.ts';

/** `noise`: of the latents' shape; of one step of windows, `latents`, those windows one after the other. */
export const invertVideo: StageBody<InvertVideoParams> = async (input, context) => {
  const { params, frames } = input;
  const { windows } = params;
  const options = { ...params, frames, stage: 'invert-video' } as const;
  if (windows !== undefined) {
    const copies = latentCopiesInput(input, 'latents');
    return { latents: await invertWindows(copies, { ...options, windows }, context) };
  }
  const latents = latentsInput(input, 'latents');
  return { noise: await invertClip(latents, options, context) };
};
