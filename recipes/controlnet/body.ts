// The generate stage: the image model draws each frame on its own, along its control picture. Noise is keyed by frame, so no
// frame depends on which others it is drawn with.

import type { GenerateParams } from '../../common/stages.ts';
import type { StageBody } from '../../workers/inference/ports.ts';
import { framesText, whileDoing } from '../../workers/pipelines/failure-place.ts';
import { frameNoise } from '../../workers/pipelines/frame-noise.ts';
import { framesInput } from '../../workers/pipelines/stage-inputs.ts';
import { checkPixelSize, decodeLatents, latentShape } from '../../workers/pipelines/vae.ts';
import { drawLatents } from './drawing.ts';

/** `frames`: `[frames, height, width, 3]`, of the control's size. */
export const generate: StageBody<GenerateParams> = async (input, context) => {
  const control = framesInput(input, 'control');
  const { frames, params } = input;
  const decoder = context.config('vae-decoder');
  checkPixelSize(control, decoder);
  const shape = latentShape(control, decoder);
  const noise = frameNoise(shape, { seed: params.seed, frames, purpose: 'generate-initial' });
  const latents = await drawLatents({ params, control, noise, frames }, context);
  const drawn = await whileDoing(`generate ${framesText(frames)}`, async () => {
    return decodeLatents(latents, context);
  });
  return { frames: drawn };
};
