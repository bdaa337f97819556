// Inversion by either model: conditioned on the negative prompt's embedding, without guidance, one forward a step. The
// scheduler is the image model's in both (algorithm of the official code, mixed_inversion.py:885-899).

import type { InversionMode } from '../../common/stages.ts';
import type { Stage } from '../../common/task.ts';
import type { StageContext } from '../inference/ports.ts';
import { createInverter } from '../../common/diffusion/create-sampler.ts';
import type { FloatTensor } from '../tensor/tensor.ts';
import { invert } from './diffusion-loop.ts';
import { framesText } from './failure-place.ts';
import { clipFromFrames, framesFromClip, repeatBatch } from './latents.ts';
import { embedText } from './text-embedding.ts';
import { checkLatentSize, runUnet } from './unet.ts';

export interface InversionOptions {
  readonly stage: Stage;
  readonly frames: readonly number[];
  readonly mode: InversionMode;
  readonly steps: number;
  readonly negativePrompt: string;
}

/** By a UNet that sees all frames as one clip. Latents and noise: `[frames, channels, h, w]`. */
export async function invertClip(
  latents: FloatTensor,
  options: InversionOptions,
  context: StageContext,
): Promise<FloatTensor> {
  return framesFromClip(await invertBatch(clipFromFrames(latents), options, context));
}

/** By a UNet that sees each frame alone. Latents and noise: `[frames, channels, h, w]`. */
export async function invertFrames(
  latents: FloatTensor,
  options: InversionOptions,
  context: StageContext,
): Promise<FloatTensor> {
  return invertBatch(latents, options, context);
}

async function invertBatch(
  latents: FloatTensor,
  options: InversionOptions,
  context: StageContext,
): Promise<FloatTensor> {
  const { stage, frames, mode, steps, negativePrompt } = options;
  const unet = await context.session('unet');
  checkLatentSize(unet, context.config('unet'), latents);
  const text = repeatBatch(await embedText(negativePrompt, context), latents.shape[0]!);
  return invert(latents, {
    inverter: createInverter(mode, context.config('scheduler'), { steps }),
    predict: (sample, timestep) => runUnet(unet, { sample, timestep, text }),
    context,
    place: `${stage} ${framesText(frames)}`,
  });
}
