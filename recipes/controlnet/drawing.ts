// From noise to latents along control pictures, by a UNet with its ControlNet in one graph.

import type { GenerateParams } from '../../common/stages.ts';
import type { StageContext } from '../../workers/inference/ports.ts';
import { createSampler } from '../../common/diffusion/create-sampler.ts';
import { floatTensor } from '../../workers/tensor/tensor.ts';
import type { FloatTensor, FrameTensor } from '../../workers/tensor/tensor.ts';
import { denoise } from '../../workers/pipelines/diffusion-loop.ts';
import { framesText } from '../../workers/pipelines/failure-place.ts';
import { frameNoise } from '../../workers/pipelines/frame-noise.ts';
import { copiesOf, predictGuided } from '../../workers/pipelines/guidance.ts';
import { repeatBatch } from '../../workers/pipelines/latents.ts';
import { conditionsFromFrames } from '../../workers/pipelines/pixels.ts';
import { embedText } from '../../workers/pipelines/text-embedding.ts';
import { checkLatentSize, runUnet } from '../../workers/pipelines/unet.ts';

export interface Drawing {
  readonly params: GenerateParams;
  /** `[frames, height, width, 3]`. */
  readonly control: FrameTensor;
  /** `[frames, channels, height/8, width/8]`, standard normal. */
  readonly noise: FloatTensor;
  /** Indices in the job. */
  readonly frames: readonly number[];
}

/** Scaled latents of the noise's shape. */
export async function drawLatents(drawing: Drawing, context: StageContext): Promise<FloatTensor> {
  const { params, noise, frames } = drawing;
  const unet = await context.session('unet');
  checkLatentSize(unet, context.config('unet'), noise);
  const guidance = {
    prompt: await embedText(params.prompt, context),
    negative: await embedText(params.negativePrompt, context),
    scale: params.guidanceScale,
  };
  const conditions = {
    controlnet_conds: controlBatch(drawing.control, copiesOf(guidance)),
    conditioning_scales: floatTensor([1], Float32Array.of(params.conditioningScale)),
  };
  return denoise(noise, {
    sampler: createSampler(params.sampler, context.config('scheduler'), { steps: params.steps }),
    predict: (sample, timestep) => {
      return predictGuided(sample, guidance, (batch, text) => {
        return runUnet(unet, { sample: batch, timestep, text, conditions });
      });
    },
    drawNoise: (step) => {
      return frameNoise(noise.shape, { seed: params.seed, frames, purpose: 'generate-step', step });
    },
    context,
    place: `generate ${framesText(frames)}`,
  });
}

/** One ControlNet's pictures for the whole batch: `[1, copies * frames, 3, height, width]`, 0..1. */
function controlBatch(control: FrameTensor, copies: number): FloatTensor {
  const conditions = repeatBatch(conditionsFromFrames(control), copies);
  return floatTensor([1, ...conditions.shape], conditions.data);
}
