// The smooth stage: the video model denoises the mixed noise, with guidance, so that the frames agree with each other. DDIM
// with eta 0 and the image model's scheduler config (official code, video_smoothing.py:726-749, inference.py:221-231).

import type { SmoothParams } from '../../../common/stages.ts';
import type { StageBody } from '../../inference/ports.ts';
import { createSampler } from '../../../common/diffusion/create-sampler.ts';
import { denoise } from '../diffusion-loop.ts';
import { framesText } from '../failure-place.ts';
import { predictGuided, textBranches } from '../guidance.ts';
import { clipFromFrames, framesFromClip } from '../latents.ts';
import { latentsInput } from '../stage-inputs.ts';
import { embedText } from '../text-embedding.ts';
import { checkLatentSize, runUnet } from '../unet.ts';

/** `latents`: scaled, of the noise's shape. */
export const smooth: StageBody<SmoothParams> = async (input, context) => {
  const noise = latentsInput(input, 'noise');
  const { prompt, negativePrompt, steps, guidanceScale } = input.params;
  const unet = await context.session('unet');
  checkLatentSize(unet, context.config('unet'), noise);
  const branches = textBranches({
    prompt: await embedText(prompt, context),
    negative: await embedText(negativePrompt, context),
    scale: guidanceScale,
  });
  const clip = await denoise(clipFromFrames(noise), {
    sampler: createSampler('ddim', context.config('scheduler'), { steps }),
    predict: (sample, timestep) => {
      return predictGuided(sample, branches, (batch, text) => {
        return runUnet(unet, { sample: batch, timestep, text });
      });
    },
    context,
    place: `smooth ${framesText(input.frames)}`,
  });
  return { latents: framesFromClip(clip) };
};
