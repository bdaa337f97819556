// What recipes share that draw each frame anew over what they see of it, by a UNet that takes more channels than the noise has. Runs in lanes.

import type { StageContext, StageInput } from '../workers/inference/ports.ts';
import { denoise } from '../workers/pipelines/diffusion-loop.ts';
import { drawingNoise } from '../workers/pipelines/drawing-noise.ts';
import { framesText } from '../workers/pipelines/failure-place.ts';
import { branchesAt, predictGuided } from '../workers/pipelines/guidance.ts';
import type { Branch } from '../workers/pipelines/guidance.ts';
import { framesInput } from '../workers/pipelines/stage-inputs.ts';
import { openStepUnet } from '../workers/pipelines/step-unet.ts';
import { checkLatentSize } from '../workers/pipelines/unet.ts';
import { checkPixelSize, latentShape } from '../workers/pipelines/vae.ts';
import type { FloatTensor, FrameTensor } from '../workers/tensor/tensor.ts';
import { drawingSampler, noiseOf } from './pipeline/generator-settings.ts';
import type { DrawingParams } from './pipeline/generator-settings.ts';

/** `pictures`: the source's frames, of a size that the VAE takes. `noise`: `[frames, 4, h, w]`, standard normal, keyed by frame. */
export function framesAndNoise(
  input: StageInput<DrawingParams>,
  context: StageContext,
): { readonly pictures: FrameTensor; readonly noise: FloatTensor } {
  const pictures = framesInput(input, 'frames');
  const encoder = context.config('vae-encoder');
  checkPixelSize(pictures, encoder);
  const noise = drawingNoise(latentShape(pictures, encoder), noiseOf(input.params, input.frames));
  return { pictures, noise };
}

export interface BranchDrawing {
  /** `[frames, 4, h, w]`, standard normal. */
  readonly noise: FloatTensor;
  /** Each with the channels that the UNet sees beside the noise. */
  readonly branches: readonly Branch[];
  /** For one step, of the noise's shape. @default keyed by frame and step */
  readonly stepNoise?: (step: number) => FloatTensor;
}

/** Scaled latents of the noise's shape. */
export async function drawBranches(
  { params, frames }: Pick<StageInput<DrawingParams>, 'params' | 'frames'>,
  { noise, branches, stepNoise }: BranchDrawing,
  context: StageContext,
): Promise<FloatTensor> {
  const { cacheInterval } = params;
  const unet = await openStepUnet(context, cacheInterval);
  checkLatentSize(unet.session, context.config('unet'), noise);
  const sampler = drawingSampler(params, context.config('scheduler'));
  const { length: steps } = sampler.timesteps;
  return denoise(noise, {
    sampler,
    predict: (sample, timestep, step) => {
      const told = branchesAt(branches, { step, steps, end: params.guidanceEnd });
      return predictGuided(sample, told, (batch, text) => {
        return unet.run({ sample: batch, timestep, text }, step);
      });
    },
    drawNoise: stepNoise ?? ((step) => drawingNoise(noise.shape, noiseOf(params, frames), step)),
    context,
    resumesEvery: cacheInterval,
    place: `generate ${framesText(frames)}`,
  });
}
