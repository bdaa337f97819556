// The ControlNet draws each frame on its own, along its control picture. Noise is keyed by frame, so no frame depends on which others it is
// drawn with.

import { drawingNoise } from '../../workers/pipelines/drawing-noise.ts';
import { framesText, whileDoing } from '../../workers/pipelines/failure-place.ts';
import { framesInput } from '../../workers/pipelines/stage-inputs.ts';
import { checkPixelSize, decodeLatents, latentShape } from '../../workers/pipelines/vae.ts';
import { noiseOf } from '../pipeline/generator-settings.ts';
import type { RecipeBody } from '../recipe-body.ts';
import { drawLatents } from './drawing.ts';
import { controlnetUnet } from './graphs.ts';
import type { ControlnetParams } from './params.ts';

export const controlnet: RecipeBody<ControlnetParams> = {
  unet: controlnetUnet(1),
  /** `frames`: `[frames, height, width, 3]`, of the control's size. */
  generate: async ({ params, frames, tensors }, context) => {
    const control = framesInput({ params, frames, tensors }, 'control');
    const decoder = context.config('vae-decoder');
    checkPixelSize(control, decoder);
    const shape = latentShape(control, decoder);
    const noise = drawingNoise(shape, noiseOf(params, frames));
    const controls = [{ pictures: control, scale: params.conditioningScale }];
    const latents = await drawLatents({ params, controls, noise, frames }, context);
    const drawn = await whileDoing(`generate ${framesText(frames)}`, async () => {
      return decodeLatents(latents, context);
    });
    return { frames: drawn };
  },
};
