// Each frame is drawn on its own, along its control pictures. Noise is keyed by frame, so no frame depends on which others it is drawn
// with; by method controlvideo a task is a window, whose frames are drawn together.

import type { StageBody } from '../../workers/inference/ports.ts';
import { drawingNoise } from '../../workers/pipelines/drawing-noise.ts';
import { framesInput } from '../../workers/pipelines/stage-inputs.ts';
import { checkPixelSize, decodeDrawn, latentShape } from '../../workers/pipelines/vae.ts';
import { noiseOf } from '../pipeline/generator-settings.ts';
import type { RecipeBody } from '../recipe-body.ts';
import { controlRole } from './control-jobs.ts';
import { drawLatents } from './drawing.ts';
import type { Drawing } from './drawing.ts';
import { controlnetUnet } from './graphs.ts';
import { weightsOf } from './params.ts';
import type { ControlnetParams, ControlsParams } from './params.ts';
import { drawWindow } from './window-drawing.ts';

export const controlnet: RecipeBody<ControlnetParams> = {
  unet: controlnetUnet,
  // Windows alone are encoded.
  graphs: ['vae-encoder'],
  seesWhole: ({ method }) => method === 'controlvideo',
  generate: drawAlong('controlnet_conds'),
};

/** Draws with a graph whose control pictures are this input. `frames`: `[frames, height, width, 3]`, of the controls' size. */
export function drawAlong(
  picturesInput: NonNullable<Drawing['picturesInput']>,
): StageBody<ControlsParams> {
  return async (input, context) => {
    const { params, frames } = input;
    const controls = weightsOf(params).map((weight, index) => ({
      ...weight,
      pictures: framesInput(input, controlRole(index)),
    }));
    const [{ pictures }] = controls as [(typeof controls)[number]];
    const decoder = context.config('vae-decoder');
    checkPixelSize(pictures, decoder);
    const noise = drawingNoise(latentShape(pictures, decoder), noiseOf(params, frames));
    const drawing = { params, controls, noise, frames, picturesInput };
    const draw = params.method === 'controlvideo' ? drawWindow : drawLatents;
    const latents = await draw(drawing, context);
    return decodeDrawn(latents, frames, context);
  };
}
