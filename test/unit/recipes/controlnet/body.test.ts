import { describe, expect, it } from 'vitest';

import { controlnet } from '../../../../recipes/controlnet/body.ts';
import type { ControlnetParams } from '../../../../recipes/controlnet/params.ts';
import { standardNormals } from '../../../../workers/tensor/frame-noise.ts';
import { floatTensor, frameTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor, FrameTensor } from '../../../../workers/tensor/tensor.ts';
import { controlOf, drawingContext, VALUES } from '../drawing-context.ts';

const { generate } = controlnet;

const params: ControlnetParams = {
  task: 'controlnet',
  prompt: 'go',
  negativePrompt: 'no',
  steps: 4,
  guidanceScale: 3,
  conditioningScale: 0.75,
  sampler: 'ddim',
  seed: 5,
};

async function draw(frames: readonly number[], changes: Partial<ControlnetParams> = {}) {
  const context = drawingContext();
  const tensors = { control: controlOf(frames) };
  const outputs = await generate({ params: { ...params, ...changes }, tensors, frames }, context);
  const calls = context.feeds.filter(({ role }) => role === 'unet').map(({ feeds }) => feeds);
  return { frames: outputs['frames'] as FrameTensor, calls, steps: context.steps };
}

describe('generate', () => {
  it('starts from the noise of the frames as the job counts them', async () => {
    const { calls } = await draw([6, 7]);
    const key = { seed: 5, frames: [6, 7], purpose: 'generate-initial' } as const;
    const sample = calls[0]!['sample'] as FloatTensor;
    expect(sample.shape).toEqual([4, 4, 2, 4]);
    expect(sample.data.slice(0, 2 * VALUES)).toEqual(standardNormals(key, VALUES));
    expect(sample.data.slice(2 * VALUES)).toEqual(standardNormals(key, VALUES));
  });

  it('shows the control in 0..1 to both halves of the batch, with its scale', async () => {
    const { calls } = await draw([51, 102]);
    for (const { controlnet_conds, conditioning_scales } of calls) {
      expect(controlnet_conds!.shape).toEqual([1, 4, 3, 16, 32]);
      const levels = (controlnet_conds!.data as Float32Array).filter((_, i) => i % 1536 === 0);
      expect([...levels]).toEqual([0.2, 0.4, 0.2, 0.4].map(Math.fround));
      expect(conditioning_scales).toEqual(floatTensor([1], Float32Array.of(0.75)));
    }
  });

  it('puts the negative prompt first', async () => {
    const { calls } = await draw([0, 1]);
    const text = calls[0]!['encoder_hidden_states'] as FloatTensor;
    expect(text.shape).toEqual([4, 77, 1]);
    expect([0, 1, 2, 3].map((i) => String.fromCodePoint(text.data[77 * i]!))).toEqual([
      ...['n', 'n'],
      ...['g', 'g'],
    ]);
  });

  it('runs the prompt alone at guidance 1', async () => {
    const { calls } = await draw([0, 1], { guidanceScale: 1 });
    expect(calls[0]!['sample']!.shape).toEqual([2, 4, 2, 4]);
    expect(calls[0]!['controlnet_conds']!.shape).toEqual([1, 2, 3, 16, 32]);
    expect((calls[0]!['encoder_hidden_states'] as FloatTensor).data[0]).toBe('g'.codePointAt(0));
  });

  it('adds the noise of each frame and step with an ancestral sampler', async () => {
    const together = await draw([6, 7], { sampler: 'euler-ancestral' });
    const alone = await draw([7], { sampler: 'euler-ancestral' });
    expect(alone.frames.data).toEqual(together.frames.data.slice(1536));
    const otherSeed = await draw([6, 7], { sampler: 'euler-ancestral', seed: 6 });
    expect(otherSeed.calls[1]!['sample']).not.toEqual(together.calls[1]!['sample']);
  });

  it('gives pictures of the size of the control and tells its steps', async () => {
    const { frames, steps } = await draw([0, 1, 2]);
    expect(frames.shape).toEqual([3, 16, 32, 3]);
    expect(steps).toEqual([1, 2, 3, 4].map((step) => [step, 4]));
  });

  it('refuses a control that the VAE cannot give', async () => {
    const control = frameTensor([1, 12, 32, 3]);
    const drawing = generate({ params, tensors: { control }, frames: [0] }, drawingContext());
    await expect(drawing).rejects.toMatchObject({
      code: 'invalid-argument',
      message: 'frames of 32x12 do not fit the VAE: it needs multiples of 8',
    });
  });
});
