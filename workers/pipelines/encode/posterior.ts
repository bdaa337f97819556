// What the VAE's encoder gives, a Gaussian for each latent, as latents.

import assert from 'node:assert/strict';

import { pinnedExp } from '../../../common/diffusion/pinned-math.ts';
import { floatTensor } from '../../tensor/tensor.ts';
import type { FloatTensor } from '../../tensor/tensor.ts';

/** Bounds of the log-variance before it is used (diffusers, autoencoders/vae.py, DiagonalGaussianDistribution). */
const LOG_VARIANCE_MIN = -30;
const LOG_VARIANCE_MAX = 20;

/** The mean of `[frames, 2 * channels, h, w]`, mean first and log-variance second, times `factor`. */
export function posteriorMode(parameters: FloatTensor, factor: number): FloatTensor {
  return fromPosterior(parameters, factor, (mean) => mean);
}

/** mean + std * noise, times `factor`; `noise` has the latents' shape `[frames, channels, h, w]`. */
export function posteriorSample(
  parameters: FloatTensor,
  factor: number,
  noise: FloatTensor,
): FloatTensor {
  return fromPosterior(parameters, factor, (mean, logVariance, at) => {
    const bounded = Math.min(LOG_VARIANCE_MAX, Math.max(LOG_VARIANCE_MIN, logVariance));
    const deviation = Math.fround(pinnedExp(0.5 * bounded));
    return Math.fround(mean + Math.fround(deviation * noise.data[at]!));
  });
}

function fromPosterior(
  parameters: FloatTensor,
  factor: number,
  draw: (mean: number, logVariance: number, at: number) => number,
): FloatTensor {
  const [frames = 0, channels = 0, height = 0, width = 0] = parameters.shape;
  assert(channels % 2 === 0, 'a posterior has as many log-variances as means');
  const latents = floatTensor([frames, channels / 2, height, width]);
  const scale = Math.fround(factor);
  const size = (channels / 2) * height * width;
  for (let at = 0; at < latents.data.length; at += 1) {
    const mean = at + Math.floor(at / size) * size;
    latents.data[at] = scale * draw(parameters.data[mean]!, parameters.data[mean + size]!, at);
  }
  return latents;
}
