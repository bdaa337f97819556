// The encode stage: frames to latents, by the image model's VAE.

import assert from 'node:assert/strict';

import { BivdiffError } from '../../../common/errors.ts';
import type { EncodeParams } from '../../../common/stages.ts';
import type { Session, StageBody, StageInput } from '../../inference/ports.ts';
import { frameNoise } from '../../tensor/frame-noise.ts';
import type { FloatTensor } from '../../tensor/tensor.ts';
import { framesText, whileDoing } from '../failure-place.ts';
import { pixelsFromFrames } from '../pixels.ts';
import { framesInput } from '../stage-inputs.ts';
import { checkPixelSize, encodePixels, scalingFactor } from '../vae.ts';
import { posteriorMode, posteriorSample } from './posterior.ts';

/** `latents`: `[frames, channels, height/8, width/8]`, scaled. */
export const encode: StageBody<EncodeParams> = async (input, context) => {
  const frames = framesInput(input, 'frames');
  const config = context.config('vae-encoder');
  checkPixelSize(frames, config);
  const encoder = await context.session('vae-encoder');
  refuseSampledLatents(encoder);
  const parameters = await whileDoing(`encode ${framesText(input.frames)}`, async () => {
    return encodePixels(pixelsFromFrames(frames), encoder, context);
  });
  return { latents: latentsOf(parameters, input, scalingFactor(config)) };
};

function latentsOf(
  parameters: FloatTensor,
  { params, frames }: StageInput<EncodeParams>,
  factor: number,
): FloatTensor {
  if (params.posterior === 'mode') return posteriorMode(parameters, factor);
  const [count = 0, channels = 0, ...size] = parameters.shape;
  const shape = [count, channels / 2, ...size];
  const { seed } = params;
  assert(seed !== undefined, 'sampling needs a seed');
  return posteriorSample(
    parameters,
    factor,
    frameNoise(shape, { seed, frames, purpose: 'encode-posterior' }),
  );
}

/** Exports by diffusers' older script draw inside the graph, from a source that no seed reaches. */
function refuseSampledLatents({ name, outputs }: Session): void {
  const isSampled =
    outputs.some((output) => output.name === 'latent_sample') &&
    !outputs.some((output) => output.name === 'latent_parameters');
  if (!isSampled) return;
  throw new BivdiffError(
    'failed-precondition',
    `graph ${name} samples latents by itself (its output is latent_sample), so results would differ each time`,
    {
      retry: 'never',
      hint: 'Export the VAE again with `models/export` or optimum: the encoder must give latent_parameters.',
      details: { graph: name },
    },
  );
}
