// From noise to latents along control pictures, by a UNet with its ControlNets in one graph.

import { createSampler } from '../../common/diffusion/create-sampler.ts';
import type { StageContext } from '../../workers/inference/ports.ts';
import { drawingNoise } from '../../workers/pipelines/drawing-noise.ts';
import { denoise } from '../../workers/pipelines/diffusion-loop.ts';
import { framesText } from '../../workers/pipelines/failure-place.ts';
import { predictGuided, textBranches } from '../../workers/pipelines/guidance.ts';
import { joinBatches, repeatBatch } from '../../workers/pipelines/latents.ts';
import { conditionsFromFrames } from '../../workers/pipelines/pixels.ts';
import { embedText } from '../../workers/pipelines/text-embedding.ts';
import { checkLatentSize, runUnet } from '../../workers/pipelines/unet.ts';
import { floatTensor } from '../../workers/tensor/tensor.ts';
import type { FloatTensor, FrameTensor } from '../../workers/tensor/tensor.ts';
import { noiseOf } from '../pipeline/generator-settings.ts';
import type { DrawingParams } from '../pipeline/generator-settings.ts';

export interface Drawing {
  readonly params: DrawingParams;
  /** One for each ControlNet of the graph. */
  readonly controls: readonly Control[];
  /** `[frames, channels, height/8, width/8]`, standard normal. */
  readonly noise: FloatTensor;
  /** Indices in the job. */
  readonly frames: readonly number[];
}

interface Control {
  /** `[frames, height, width, 3]`. */
  readonly pictures: FrameTensor;
  /** Weight of its residuals. */
  readonly scale: number;
}

/** Scaled latents of the noise's shape. */
export async function drawLatents(drawing: Drawing, context: StageContext): Promise<FloatTensor> {
  const { params, controls, noise, frames } = drawing;
  const unet = await context.session('unet');
  checkLatentSize(unet, context.config('unet'), noise);
  const branches = textBranches({
    prompt: await embedText(params.prompt, context),
    negative: await embedText(params.negativePrompt, context),
    scale: params.guidanceScale,
  });
  const conditions = {
    controlnet_conds: controlBatch(controls, branches.length),
    conditioning_scales: floatTensor(
      [controls.length],
      Float32Array.from(controls, ({ scale }) => scale),
    ),
  };
  return denoise(noise, {
    sampler: createSampler(params.sampler, context.config('scheduler'), { steps: params.steps }),
    predict: (sample, timestep) => {
      return predictGuided(sample, branches, (batch, text) => {
        return runUnet(unet, { sample: batch, timestep, text, conditions });
      });
    },
    drawNoise: (step) => {
      return drawingNoise(noise.shape, noiseOf(params, frames), step);
    },
    context,
    place: `generate ${framesText(frames)}`,
  });
}

/** Each ControlNet's pictures for the whole batch: `[controls, copies * frames, 3, height, width]`, 0..1. */
function controlBatch(controls: readonly Control[], copies: number): FloatTensor {
  const each = controls.map(({ pictures }) => repeatBatch(conditionsFromFrames(pictures), copies));
  const [, ...picture] = each[0]!.shape;
  const joined = joinBatches(each);
  return floatTensor(
    [controls.length, joined.shape[0]! / controls.length, ...picture],
    joined.data,
  );
}
