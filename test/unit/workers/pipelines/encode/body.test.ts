import { describe, expect, it } from 'vitest';

import type { EncodeParams } from '../../../../../common/stages.ts';
import { encode } from '../../../../../workers/pipelines/encode/body.ts';
import { standardNormals } from '../../../../../workers/tensor/frame-noise.ts';
import { floatTensor, frameTensor } from '../../../../../workers/tensor/tensor.ts';
import type { FloatTensor } from '../../../../../workers/tensor/tensor.ts';
import { analyticContext } from '../analytic-context.ts';
import type { AnalyticModel } from '../analytic-context.ts';

/** Means are the frame's first pixel, log-variances 0. */
const encoder: AnalyticModel = {
  run: ({ sample }) => {
    const { shape, data } = sample as FloatTensor;
    const parameters = floatTensor([shape[0]!, 8, 1, 1]);
    for (let frame = 0; frame < shape[0]!; frame += 1) {
      parameters.data.fill(data[frame * 192]!, frame * 8, frame * 8 + 4);
    }
    return { latent_parameters: parameters };
  },
};
const configs = { 'vae-encoder': { scaling_factor: 0.5 } };

async function encodeFrames(params: EncodeParams, frames: readonly number[]) {
  const pictures = frameTensor([frames.length, 8, 8, 3]);
  frames.forEach((frame, i) => pictures.data.fill(51 * frame, i * 192, (i + 1) * 192));
  const context = analyticContext({ models: { 'vae-encoder': encoder }, configs });
  const { latents } = await encode({ params, tensors: { frames: pictures }, frames }, context);
  return latents as FloatTensor;
}

describe('encode', () => {
  it('scales the mean', async () => {
    const latents = await encodeFrames({ posterior: 'mode' }, [0, 5]);
    expect(latents).toEqual(
      floatTensor([2, 4, 1, 1], Float32Array.of(-0.5, -0.5, -0.5, -0.5, 0.5, 0.5, 0.5, 0.5)),
    );
  });

  it('samples with the noise of each frame', async () => {
    const latents = await encodeFrames({ posterior: 'sample', seed: 3 }, [4, 5]);
    const key = { seed: 3, frames: [5], purpose: 'encode-posterior' } as const;
    const expected = standardNormals(key, 4).map((value) => Math.fround(1 + value) * 0.5);
    expect(latents.data.slice(4)).toEqual(expected);
  });

  it('refuses an encoder that samples by itself', async () => {
    const outputs = [
      { name: 'latent_sample', type: 'float32', shape: ['b', 4, 'h', 'w'] },
    ] as const;
    const models = { 'vae-encoder': { ...encoder, outputs } };
    const frames = frameTensor([1, 8, 8, 3]);
    const encoding = encode(
      { params: { posterior: 'mode' }, tensors: { frames }, frames: [0] },
      analyticContext({ models }),
    );
    await expect(encoding).rejects.toMatchObject({
      code: 'failed-precondition',
      retry: 'never',
      message: expect.stringContaining('samples latents by itself') as string,
    });
  });
});
