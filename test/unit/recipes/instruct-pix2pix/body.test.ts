import { describe, expect, it } from 'vitest';

import { instructPix2pix } from '../../../../recipes/instruct-pix2pix/body.ts';
import type { InstructParams } from '../../../../recipes/instruct-pix2pix/params.ts';
import { standardNormals } from '../../../../workers/tensor/frame-noise.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor, FrameTensor } from '../../../../workers/tensor/tensor.ts';
import { analyticContext } from '../../workers/pipelines/analytic-context.ts';
import { controlOf, drawingModels, VALUES } from '../drawing-context.ts';

const params: InstructParams = {
  ...{ task: 'instruct-pix2pix', prompt: 'go', negativePrompt: 'no', steps: 4, sampler: 'ddim' },
  ...{ guidanceScale: 3, imageGuidanceScale: 1.5, seed: 5 },
};

/** The first channel of the sample alone counts, so that what is drawn has four. */
const unet = {
  run: ({ sample }: Readonly<Record<string, unknown>>) => {
    const { shape, data } = sample as FloatTensor;
    const out = floatTensor([shape[0]!, 4, ...shape.slice(2)]);
    for (let i = 0; i < shape[0]!; i += 1)
      out.data.set(data.subarray(2 * i * VALUES, (2 * i + 1) * VALUES), i * VALUES);
    return { out_sample: out };
  },
};
/** Mean: the frame's first pixel; log-variance 9. */
const encoder = {
  run: ({ sample }: Readonly<Record<string, unknown>>) => {
    const { shape, data } = sample as FloatTensor;
    const out = floatTensor([shape[0]!, 8, 2, 4]);
    for (let i = 0; i < shape[0]!; i += 1)
      out.data
        .fill(data[i * 3 * 512]!, 2 * i * VALUES, (2 * i + 1) * VALUES)
        .fill(9, (2 * i + 1) * VALUES, 2 * (i + 1) * VALUES);
    return { latent_parameters: out };
  },
};

async function edit(frames: readonly number[], changes: Partial<InstructParams> = {}) {
  const context = analyticContext({
    models: { ...drawingModels, unet, 'vae-encoder': encoder },
    configs: {
      ...{ scheduler: { clip_sample: false }, unet: { block_out_channels: [8, 8] } },
      'vae-encoder': { scaling_factor: 0.25 },
    },
  });
  const tensors = { frames: controlOf(frames) };
  const told = { ...params, ...changes };
  const outputs = await instructPix2pix.generate({ params: told, tensors, frames }, context);
  const calls = context.feeds.filter(({ role }) => role === 'unet').map(({ feeds }) => feeds);
  return { frames: outputs['frames'] as FrameTensor, calls };
}

/** Of each of the batch, the noisy values and the first one of the picture. */
const halvesOf = ({ shape, data }: FloatTensor) =>
  Array.from({ length: shape[0]! }, (_, i) => ({
    noisy: data.slice(2 * i * VALUES, (2 * i + 1) * VALUES),
    picture: data[(2 * i + 1) * VALUES],
  }));
const firstLetters = ({ shape, data }: FloatTensor) =>
  Array.from({ length: shape[0]! }, (_, i) => String.fromCodePoint(data[77 * i]!)).join('');

describe('generate', () => {
  it('asks with nothing, with the frame, and with frame and instruction, of the same noise', async () => {
    const { calls } = await edit([0, 255]);
    const sample = calls[0]!['sample'] as FloatTensor;
    expect(sample.shape).toEqual([6, 8, 2, 4]);
    const noise = standardNormals(
      { seed: 5, frames: [0, 255], purpose: 'generate-initial' },
      VALUES,
    );
    const halves = halvesOf(sample);
    halves.forEach(({ noisy }, i) => {
      const at = (i % 2) * VALUES;
      expect(noisy).toEqual(noise.slice(at, at + VALUES));
    });
    // Black is -1 and white 1, not scaled by the VAE's factor.
    expect(halves.map(({ picture }) => picture)).toEqual([0, 0, -1, 1, -1, 1]);
    expect(firstLetters(calls[0]!['encoder_hidden_states'] as FloatTensor)).toBe('nnnngg');
  });

  it('leaves the branch without the frame out where it adds nothing', async () => {
    const { calls } = await edit([0, 255], { imageGuidanceScale: 1 });
    const sample = calls[0]!['sample'] as FloatTensor;
    expect(halvesOf(sample).map(({ picture }) => picture)).toEqual([-1, 1, -1, 1]);
    expect(firstLetters(calls[0]!['encoder_hidden_states'] as FloatTensor)).toBe('nngg');
  });

  it('runs the instruction alone if neither scale guides', async () => {
    const { calls } = await edit([0, 255], { imageGuidanceScale: 1, guidanceScale: 1 });
    expect(firstLetters(calls[0]!['encoder_hidden_states'] as FloatTensor)).toBe('gg');
  });

  it('edits a frame alike whichever others it is edited with', async () => {
    const together = await edit([6, 7], { sampler: 'euler-ancestral' });
    const alone = await edit([7], { sampler: 'euler-ancestral' });
    expect(alone.frames.data).toEqual(together.frames.data.slice(1536));
  });
});
