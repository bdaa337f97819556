// The decode stage: smoothed latents back to pictures, by the image model's VAE.

import type { DecodeParams } from '../../../common/stages.ts';
import type { StageBody } from '../../inference/ports.ts';
import { framesText, whileDoing } from '../failure-place.ts';
import { latentsInput } from '../stage-inputs.ts';
import { decodeLatents } from '../vae.ts';

/** `frames`: `[frames, height, width, 3]`. */
export const decode: StageBody<DecodeParams> = async (input, context) => {
  const latents = latentsInput(input, 'latents');
  const frames = await whileDoing(`decode ${framesText(input.frames)}`, async () => {
    return decodeLatents(latents, context);
  });
  return { frames };
};
