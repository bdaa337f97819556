// The frames of a window drawn together, as ControlVideo does (arXiv 2305.13077): the graph's self-attention sees all of them, and a smoother
// changes the clean frames on their way.

import { DdimSampler } from '../../common/diffusion/samplers/ddim.ts';
import type { StageContext } from '../../workers/inference/ports.ts';
import { denoise } from '../../workers/pipelines/diffusion-loop.ts';
import type { FloatTensor } from '../../workers/tensor/tensor.ts';
import { loopAlong } from './drawing.ts';
import type { Drawing } from './drawing.ts';
import { interleavedSmoother } from './interleaved-smoother.ts';
import type { Between } from './interleaved-smoother.ts';

/** Scaled latents of the noise's shape. `between` is for tests. */
export async function drawWindow(
  drawing: Omit<Drawing, 'isWindow'>,
  context: StageContext,
  between?: Between,
): Promise<FloatTensor> {
  const { params, noise } = drawing;
  const sampler = new DdimSampler(context.config('scheduler'), { steps: params.steps });
  const smoother = { sampler, shape: noise.shape, context };
  return denoise(noise, {
    ...(await loopAlong({ ...drawing, isWindow: true }, sampler.timesteps.length, context)),
    sampler,
    chooseClean: interleavedSmoother(between === undefined ? smoother : { ...smoother, between }),
  });
}
