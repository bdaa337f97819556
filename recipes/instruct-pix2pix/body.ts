// Frames are edited by a UNet that sees, beside the noisy latents, those of the frame (diffusers,
// pipeline_stable_diffusion_instruct_pix2pix.py). Noise is keyed by frame, so no frame depends on which others it is edited with.

import { createSampler } from '../../common/diffusion/create-sampler.ts';
import { imageUnet } from '../../workers/inference/graph-contract.ts';
import type { StageContext, StageInput } from '../../workers/inference/ports.ts';
import { denoise } from '../../workers/pipelines/diffusion-loop.ts';
import { drawingNoise } from '../../workers/pipelines/drawing-noise.ts';
import { posteriorMode } from '../../workers/pipelines/encode/posterior.ts';
import { framesText } from '../../workers/pipelines/failure-place.ts';
import { predictGuided } from '../../workers/pipelines/guidance.ts';
import type { Branch } from '../../workers/pipelines/guidance.ts';
import { pixelsFromFrames } from '../../workers/pipelines/pixels.ts';
import { framesInput } from '../../workers/pipelines/stage-inputs.ts';
import { embedText } from '../../workers/pipelines/text-embedding.ts';
import { checkLatentSize, runUnet } from '../../workers/pipelines/unet.ts';
import {
  checkPixelSize,
  decodeDrawn,
  encodePixels,
  latentShape,
} from '../../workers/pipelines/vae.ts';
import { floatTensor } from '../../workers/tensor/tensor.ts';
import type { FloatTensor, FrameTensor } from '../../workers/tensor/tensor.ts';
import { noiseOf } from '../pipeline/generator-settings.ts';
import type { RecipeBody } from '../recipe-body.ts';
import type { InstructParams } from './params.ts';

export const instructPix2pix: RecipeBody<InstructParams> = {
  unet: imageUnet('instruct-unet'),
  graphs: ['vae-encoder'],
  /** `frames`: `[frames, height, width, 3]`, of the source's size. */
  generate: async (input, context) => {
    const { params, frames } = input;
    const pictures = framesInput(input, 'frames');
    const encoder = context.config('vae-encoder');
    checkPixelSize(pictures, encoder);
    const noise = drawingNoise(latentShape(pictures, encoder), noiseOf(params, frames));
    const picture = await pictureLatents(pictures, context);
    const branches = await instructBranches(params, picture, context);
    const latents = await drawEdited({ params, frames }, { noise, branches }, context);
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
    await embedText(prompt, context),
    await embedText(negativePrompt, context),
  ];
  const told = { text: instruction, channels: picture, weight: guidanceScale };
  const shown = { text: negative, channels: picture, weight: imageGuidanceScale };
  const nothing = { text: negative, channels: floatTensor(picture.shape), weight: 1 };
  if (imageGuidanceScale !== 1) return [nothing, shown, told];
  return guidanceScale === 1 ? [told] : [shown, told];
}

export interface EditedDrawing {
  /** `[frames, 4, h, w]`, standard normal. */
  readonly noise: FloatTensor;
  readonly branches: readonly Branch[];
  /** For one step, of the noise's shape. @default keyed by frame and step */
  readonly stepNoise?: (step: number) => FloatTensor;
}

/** Scaled latents of the noise's shape. */
export async function drawEdited(
  { params, frames }: Pick<StageInput<InstructParams>, 'params' | 'frames'>,
  { noise, branches, stepNoise }: EditedDrawing,
  context: StageContext,
): Promise<FloatTensor> {
  const unet = await context.session('unet');
  checkLatentSize(unet, context.config('unet'), noise);
  return denoise(noise, {
    sampler: createSampler(params.sampler, context.config('scheduler'), { steps: params.steps }),
    predict: (sample, timestep) => {
      return predictGuided(sample, branches, (batch, text) => {
        return runUnet(unet, { sample: batch, timestep, text });
      });
    },
    drawNoise: stepNoise ?? ((step) => drawingNoise(noise.shape, noiseOf(params, frames), step)),
    context,
    place: `generate ${framesText(frames)}`,
  });
}
