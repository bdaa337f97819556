// Inversion by either model: conditioned on the negative prompt's embedding, without guidance, one forward a step. The
// scheduler is the image model's in both (algorithm of the official code, mixed_inversion.py:885-899).

import type { InversionMode, WindowStep } from '../../common/stages.ts';
import type { Stage } from '../../common/task.ts';
import type { StageContext } from '../inference/ports.ts';
import { createInverter } from '../../common/diffusion/create-sampler.ts';
import type { FloatTensor } from '../tensor/tensor.ts';
import { invert } from './diffusion-loop.ts';
import type { InvertOptions } from './diffusion-loop.ts';
import { framesText } from './failure-place.ts';
import { clipFromFrames, framesFromClip, repeatBatch } from './latents.ts';
import { embedText } from './text-embedding.ts';
import { checkLatentSize, runUnet } from './unet.ts';
import { frameStates, stepWindows } from './window-steps.ts';

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
  const clip = clipFromFrames(latents);
  return framesFromClip(await invert(clip, await inversion(clip, options, context)));
}

/** One step of it, of windows: see `WindowStep`. */
export async function invertWindows(
  latents: FloatTensor,
  { windows, ...options }: InversionOptions & { readonly windows: WindowStep },
  context: StageContext,
): Promise<FloatTensor> {
  const states = frameStates(latents, windows, options.frames.length);
  const { inverter, predict } = await inversion(clipFromFrames(states), options, context);
  const predictAt = () => predict;
  return stepWindows(states, windows, { ...options, scheduler: inverter, predictAt, context });
}

/** By a UNet that sees each frame alone. Latents and noise: `[frames, channels, h, w]`. */
export async function invertFrames(
  latents: FloatTensor,
  options: InversionOptions,
  context: StageContext,
): Promise<FloatTensor> {
  return invert(latents, await inversion(latents, options, context));
}

/** `sample`: of the batch and size of what is inverted. */
async function inversion(
  sample: FloatTensor,
  { stage, frames, mode, steps, negativePrompt }: InversionOptions,
  context: StageContext,
): Promise<InvertOptions> {
  const unet = await context.session('unet');
  checkLatentSize(unet, context.config('unet'), sample);
  const text = repeatBatch(await embedText(negativePrompt, context), sample.shape[0]!);
  return {
    inverter: createInverter(mode, context.config('scheduler'), { steps }),
    predict: (batch, timestep) => runUnet(unet, { sample: batch, timestep, text }),
    context,
    place: `${stage} ${framesText(frames)}`,
  };
}
