// The smooth stage: the video model denoises the mixed noise, with guidance, so that the frames agree with each other. DDIM
// with eta 0 and the image model's scheduler config (official code, video_smoothing.py:726-749, inference.py:221-231).

import type { SmoothParams } from '../../../common/stages.ts';
import type { StageBody, StageInput } from '../../inference/ports.ts';
import { createSampler } from '../../../common/diffusion/create-sampler.ts';
import { addNoise, stepsOfStrength } from '../../../common/diffusion/strength.ts';
import { frameNoise } from '../../tensor/frame-noise.ts';
import { floatTensor } from '../../tensor/tensor.ts';
import type { FloatTensor } from '../../tensor/tensor.ts';
import { denoiseFrom } from '../diffusion-loop.ts';
import type { Predict } from '../diffusion-loop.ts';
import { framesText } from '../failure-place.ts';
import { branchesAt, predictGuided, textBranches } from '../guidance.ts';
import { clipFromFrames, framesFromClip } from '../latents.ts';
import { latentCopiesInput, latentsInput } from '../stage-inputs.ts';
import { embedPrompt, embedText, meanText } from '../text-embedding.ts';
import { openStepUnet } from '../step-unet.ts';
import { checkLatentSize } from '../unet.ts';
import { frameStates, stepWindows } from '../window-steps.ts';

/** `latents`: scaled, of the shape of what comes in; of one step of windows, those windows one after the other. */
export const smooth: StageBody<SmoothParams> = async (input, context) => {
  const { params, frames } = input;
  const sampler = createSampler('ddim', context.config('scheduler'), { steps: params.steps });
  const { start, first } = beginning(input, sampler.timesteps, context.config('scheduler'));
  // Steps of windows are tasks of their own, which recall nothing.
  const cacheInterval = params.windows === undefined ? params.cacheInterval : undefined;
  const unet = await openStepUnet(context, cacheInterval);
  checkLatentSize(unet.session, context.config('unet'), start);
  const told = await embedPrompt(params.prompt, context);
  const negative = await embedText(params.negativePrompt, context);
  const predictOver = (start: number, length: number): Predict => {
    const prompt = meanText(told, { start, length });
    const branches = textBranches({ prompt, negative, scale: params.guidanceScale });
    const { steps, guidanceEnd: end } = params;
    return (sample, timestep, step) =>
      predictGuided(sample, branchesAt(branches, { step, steps, end }), (batch, text) => {
        return unet.run({ sample: batch, timestep, text }, step);
      });
  };
  if (params.windows !== undefined) {
    const { length } = params.windows;
    const predictAt = (start: number): Predict => predictOver(start, length);
    const options = { scheduler: sampler, predictAt, context, stage: 'smooth', frames };
    return { latents: await stepWindows(start, params.windows, options) };
  }
  const place = `smooth ${framesText(frames)}`;
  const predict = predictOver(0, frames.length);
  const options = { sampler, predict, context, place, resumesEvery: cacheInterval };
  return { latents: framesFromClip(await denoiseFrom(clipFromFrames(start), first, options)) };
};

/** The state before the first step, and which step that is. Noise of DDIM begins at its own size. */
function beginning(
  input: StageInput<SmoothParams>,
  timesteps: readonly number[],
  config: unknown,
): { readonly start: FloatTensor; readonly first: number } {
  const { frames, params } = input;
  const { noised, windows } = params;
  if (windows !== undefined && noised === undefined) {
    const latents = latentCopiesInput(input, 'latents');
    return { start: frameStates(latents, windows, frames.length), first: windows.step };
  }
  if (noised === undefined) return { start: latentsInput(input, 'noise'), first: 0 };
  const { shape, data } = latentsInput(input, 'latents');
  const first = timesteps.length - stepsOfStrength(timesteps.length, noised.strength);
  const { seed } = noised;
  const noise = frameNoise(shape, { seed, frames, purpose: 'smooth-initial' });
  const timestep = timesteps[first]!;
  return { start: floatTensor(shape, addNoise(data, noise.data, { config, timestep })), first };
}
