// The invert-video stage: the noise from which the video model would have made these latents. Its own UNet and text encoder,
// but the image model's scheduler and VAE (official code, inference.py:106-132).

import type { InvertVideoParams } from '../../../common/stages.ts';
import type { StageBody } from '../../inference/ports.ts';
import { invertClip } from '../inversion.ts';
import { latentsInput } from '../stage-inputs.ts';

/** `noise`: of the latents' shape. */
export const invertVideo: StageBody<InvertVideoParams> = async (input, context) => {
  const latents = latentsInput(input, 'latents');
  const { params, frames } = input;
  const options = { ...params, frames, stage: 'invert-video' } as const;
  return { noise: await invertClip(latents, options, context) };
};
