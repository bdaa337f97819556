import { describe, expect, it } from 'vitest';

import {
  checkPixelSize,
  decodeLatents,
  encodePixels,
  latentShape,
  scalingFactor,
} from '../../../../workers/pipelines/vae.ts';
import { floatTensor, frameTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor } from '../../../../workers/tensor/tensor.ts';
import { analyticContext } from './analytic-context.ts';
import type { AnalyticModel } from './analytic-context.ts';

const config = { block_out_channels: [8, 16], scaling_factor: 0.5, latent_channels: 4 };

/** Twice as large; every channel the first of the latents. */
const decoder: AnalyticModel = {
  run: ({ latent_sample }) => {
    const [frames = 0, channels = 0, height = 0, width = 0] = latent_sample!.shape;
    const sample = floatTensor([frames, 3, 2 * height, 2 * width]);
    const size = 12 * height * width;
    for (let frame = 0; frame < frames; frame += 1) {
      const value = (latent_sample as FloatTensor).data[frame * channels * height * width]!;
      sample.data.fill(value, frame * size, (frame + 1) * size);
    }
    return { sample };
  },
};

describe('decodeLatents', () => {
  it('takes the scaling out and gives pictures', async () => {
    const context = analyticContext({
      models: { 'vae-decoder': decoder },
      configs: { 'vae-decoder': config },
    });
    const latents = floatTensor([2, 4, 1, 2]);
    latents.data.set([0.25], 0);
    latents.data.set([-0.5], 8);
    const frames = await decodeLatents(latents, context);
    expect(frames.shape).toEqual([2, 2, 4, 3]);
    // 0.25 / 0.5 is 0.5, which is level 191.25 of 255; -1 is black.
    expect(new Set(frames.data.subarray(0, 24))).toEqual(new Set([191]));
    expect(new Set(frames.data.subarray(24))).toEqual(new Set([0]));
  });

  it.each([
    [128, 17, [9, 8]],
    [256, 7, [4, 3]],
    [384, 4, [2, 2]],
    [512, 8, [2, 2, 2, 2]],
    [512, 5, [2, 2, 1]],
    [1024, 4, [2, 2]],
    [512, 1, [1]],
  ])('runs frames of %i pixels, %i of them, in calls of %j', async (size, frames, expected) => {
    const context = analyticContext({
      models: { 'vae-decoder': decoder },
      configs: { 'vae-decoder': config },
    });
    await decodeLatents(floatTensor([frames, 4, size / 2, size / 2]), context);
    const batches = context.feeds.map(({ feeds }) => feeds['latent_sample']!.shape[0]);
    expect(batches).toEqual(expected);
  });
});

describe('encodePixels', () => {
  it('joins what the encoder gives for two large frames after the others', async () => {
    const encoder: AnalyticModel = {
      run: ({ sample }) => {
        const { shape, data } = sample as FloatTensor;
        const [frames = 0] = shape;
        const firsts = Float32Array.from({ length: 8 * frames }, (_, i) => {
          return data[Math.floor(i / 8) * (data.length / frames)]!;
        });
        return { latent_parameters: floatTensor([frames, 8, 1, 1], firsts) };
      },
    };
    const context = analyticContext({ models: { 'vae-encoder': encoder } });
    const pixels = floatTensor([4, 3, 512, 512]);
    const size = 3 * 512 * 512;
    for (const frame of [1, 2, 3]) pixels.data.fill(frame, frame * size, (frame + 1) * size);
    const parameters = await encodePixels(pixels, await context.session('vae-encoder'), context);
    expect(parameters.shape).toEqual([4, 8, 1, 1]);
    expect([...parameters.data]).toEqual([0, 1, 2, 3].flatMap((v) => Array<number>(8).fill(v)));
  });
});

describe("a VAE's config", () => {
  it('stands at the defaults of AutoencoderKL where it says nothing', () => {
    expect(scalingFactor({})).toBe(0.18215);
    expect(latentShape(frameTensor([5, 16, 24, 3]), {})).toEqual([5, 4, 2, 3]);
  });

  it('says how large latents are', () => {
    expect(latentShape(frameTensor([5, 16, 24, 3]), { ...config, latent_channels: 16 })).toEqual([
      5, 16, 8, 12,
    ]);
  });

  it.each([
    [16, 25],
    [15, 24],
    [0, 24],
  ])('refuses frames of height %i and width %i', (height, width) => {
    expect(() => checkPixelSize(frameTensor([1, height, width, 3]), {})).toThrow(
      `frames of ${String(width)}x${String(height)} do not fit the VAE: it needs multiples of 8`,
    );
  });
});
