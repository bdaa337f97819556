// Frames are edited by a UNet that sees, beside the noisy latents, those of the frame (diffusers,
// pipeline_stable_diffusion_instruct_pix2pix.py). Noise is keyed by frame, so no frame depends on which others it is edited with.

import { imageUnet } from '../../workers/inference/graph-contract.ts';
import type { StageContext } from '../../workers/inference/ports.ts';
import { posteriorMode } from '../../workers/pipelines/encode/posterior.ts';
import type { Branch } from '../../workers/pipelines/guidance.ts';
import { pixelsFromFrames } from '../../workers/pipelines/pixels.ts';
import { embedPrompt, embedText } from '../../workers/pipelines/text-embedding.ts';
import { decodeDrawn, encodePixels } from '../../workers/pipelines/vae.ts';
import { floatTensor } from '../../workers/tensor/tensor.ts';
import type { FloatTensor, FrameTensor } from '../../workers/tensor/tensor.ts';
import type { RecipeBody } from '../recipe-body.ts';
import { drawBranches, framesAndNoise } from '../source-drawing.ts';
import type { InstructParams } from './params.ts';

export const instructPix2pix: RecipeBody<InstructParams> = {
  unet: imageUnet('instruct-unet'),
  graphs: ['vae-encoder'],
  /** `frames`: `[frames, height, width, 3]`, of the source's size. */
  generate: async (input, context) => {
    const { params, frames } = input;
    const { pictures, noise } = framesAndNoise(input, context);
    const picture = await pictureLatents(pictures, context);
    const branches = await instructBranches(params, picture, context);
    const latents = await drawBranches({ params, frames }, { noise, branches }, context);
    return decodeDrawn(latents, frames, context);
  },
};

/** As the UNet was trained on them: the posterior's mean, not scaled. */
export async function pictureLatents(
  pictures: FrameTensor,
  context: StageContext,
): Promise<FloatTensor> {
  const encoder = await context.session('vae-encoder');
  return posteriorMode(await encodePixels(pixelsFromFrames(pictures), encoder, context), 1);
}

/**
 * Nothing, then the picture, then the instruction too (arXiv 2211.09800, equation 3); nothing of a picture is zeros. Two scales of 1 leave
 * the last alone, an image scale of 1 leaves nothing out, for what it adds is the whole difference.
 */
export async function instructBranches(
  { prompt, negativePrompt, guidanceScale, imageGuidanceScale }: InstructParams,
  picture: FloatTensor,
  context: StageContext,
): Promise<readonly Branch[]> {
  const [instruction, negative] = [
    await embedPrompt(prompt, context),
    await embedText(negativePrompt, context),
  ];
  const told = { text: instruction, channels: picture, weight: guidanceScale };
  const shown = { text: negative, channels: picture, weight: imageGuidanceScale };
  const nothing = { text: negative, channels: floatTensor(picture.shape), weight: 1 };
  if (imageGuidanceScale !== 1) return [nothing, shown, told];
  return guidanceScale === 1 ? [told] : [shown, told];
}
