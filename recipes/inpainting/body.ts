// Parts of each frame are drawn by a UNet that sees, beside the noisy latents, which of them are hidden and those of the picture without what is
// hidden (diffusers, pipeline_stable_diffusion_inpaint.py). Known pixels are not pasted back, as in the paper.

import { imageUnet } from '../../workers/inference/graph-contract.ts';
import type { StageContext, StageInput } from '../../workers/inference/ports.ts';
import { posteriorMode } from '../../workers/pipelines/encode/posterior.ts';
import { textBranches } from '../../workers/pipelines/guidance.ts';
import {
  hiddenByMask,
  hiddenByRectangles,
  latentMask,
  withoutHidden,
} from '../../workers/pipelines/hidden-pixels.ts';
import type { HiddenPixels } from '../../workers/pipelines/hidden-pixels.ts';
import { joinChannels } from '../../workers/pipelines/latents.ts';
import { pixelsFromFrames } from '../../workers/pipelines/pixels.ts';
import { framesInput } from '../../workers/pipelines/stage-inputs.ts';
import { embedPrompt, embedText } from '../../workers/pipelines/text-embedding.ts';
import { decodeDrawn, encodePixels, scalingFactor } from '../../workers/pipelines/vae.ts';
import type { FloatTensor, FrameTensor } from '../../workers/tensor/tensor.ts';
import type { RecipeBody } from '../recipe-body.ts';
import { drawBranches, framesAndNoise } from '../source-drawing.ts';
import type { InpaintingParams } from './params.ts';

export const inpainting: RecipeBody<InpaintingParams> = {
  unet: imageUnet('inpainting-unet'),
  graphs: ['vae-encoder'],
  generate: async (input, context) => {
    const { params, frames } = input;
    const { pictures, noise } = framesAndNoise(input, context);
    const hidden = hiddenOf(input);
    const known = await knownLatents(pictures, hidden, context);
    const conditions = joinChannels([latentMask(hidden, noise.shape), known]);
    const latents = await drawHidden({ params, frames }, { noise, conditions }, context);
    return decodeDrawn(latents, frames, context);
  },
};

/** @throws invalid-argument — a mask without any white */
function hiddenOf(input: StageInput<InpaintingParams>): HiddenPixels {
  const { hidden } = input.params;
  if (hidden === undefined) return hiddenByMask(framesInput(input, 'mask'), input.frames);
  return hiddenByRectangles(hidden, framesInput(input, 'frames').shape);
}

/** Of the pictures without what is hidden, scaled. */
export async function knownLatents(
  pictures: FrameTensor,
  hidden: HiddenPixels,
  context: StageContext,
): Promise<FloatTensor> {
  const known = withoutHidden(pixelsFromFrames(pictures), hidden);
  const parameters = await encodePixels(known, await context.session('vae-encoder'), context);
  return posteriorMode(parameters, scalingFactor(context.config('vae-encoder')));
}

export interface HiddenDrawing {
  /** `[frames, 4, h, w]`, standard normal. */
  readonly noise: FloatTensor;
  /** `[frames, 5, h, w]`: what is hidden, 0 or 1, and the latents of the rest. */
  readonly conditions: FloatTensor;
}

/** Scaled latents of the noise's shape. */
export async function drawHidden(
  { params, frames }: Pick<StageInput<InpaintingParams>, 'params' | 'frames'>,
  { noise, conditions: channels }: HiddenDrawing,
  context: StageContext,
): Promise<FloatTensor> {
  const branches = textBranches({
    prompt: await embedPrompt(params.prompt, context),
    negative: await embedText(params.negativePrompt, context),
    scale: params.guidanceScale,
  }).map((branch) => ({ ...branch, channels }));
  return drawBranches({ params, frames }, { noise, branches }, context);
}
