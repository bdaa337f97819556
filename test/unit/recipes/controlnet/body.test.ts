import { describe, expect, it } from 'vitest';

import { controlnet } from '../../../../recipes/controlnet/body.ts';
import type { ControlnetParams, ControlWeight } from '../../../../recipes/controlnet/params.ts';
import { t2iAdapter } from '../../../../recipes/t2i-adapter/body.ts';
import { standardNormals } from '../../../../workers/tensor/frame-noise.ts';
import { floatTensor, frameTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor, FrameTensor } from '../../../../workers/tensor/tensor.ts';
import { controlOf, drawingContext, VALUES } from '../drawing-context.ts';

const { generate } = controlnet;

const drawn = {
  task: 'controlnet',
  prompt: 'go',
  negativePrompt: 'no',
  steps: 4,
  guidanceScale: 3,
  sampler: 'ddim',
  seed: 5,
} as const;
const params: ControlnetParams = { ...drawn, conditioningScale: 0.75 };

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

/** Of two controls, the second with pictures of level 100. */
async function drawTwo(frames: readonly number[], controls: readonly ControlWeight[]) {
  const context = drawingContext();
  const tensors = {
    control: controlOf(frames),
    control2: frameTensor(
      [frames.length, 16, 32, 3],
      new Uint8Array(frames.length * 1536).fill(100),
    ),
  };
  const outputs = await generate({ params: { ...drawn, controls }, tensors, frames }, context);
  const calls = context.feeds.filter(({ role }) => role === 'unet').map(({ feeds }) => feeds);
  return { frames: outputs['frames'] as FrameTensor, calls };
}

const scalesOf = (calls: readonly Record<string, unknown>[]) =>
  calls.map(({ conditioning_scales }) => [...(conditioning_scales as FloatTensor).data]);

describe('several controls', () => {
  it('are shown one after the other, with a scale each', async () => {
    const { calls } = await drawTwo([51, 102], [{ scale: 0.75 }, { scale: 0.25 }]);
    const { controlnet_conds } = calls[0]!;
    expect(controlnet_conds!.shape).toEqual([2, 4, 3, 16, 32]);
    const levels = (controlnet_conds!.data as Float32Array).filter((_, i) => i % 1536 === 0);
    expect([...levels]).toEqual(
      [51, 102, 51, 102, 100, 100, 100, 100].map((level) => Math.fround(level / 255)),
    );
    expect(scalesOf(calls)).toEqual(calls.map(() => [0.75, 0.25]));
  });

  it('count between their shares of the steps, whole steps alone', async () => {
    const { calls } = await drawTwo(
      [0],
      [
        { scale: 1, start: 0.25 },
        { scale: 0.5, end: 0.6 },
      ],
    );
    expect(scalesOf(calls)).toEqual([
      [0, 0.5],
      [1, 0.5],
      [1, 0],
      [1, 0],
    ]);
  });
});

describe('frames of other weights', () => {
  it('run apart, those of equal ones together', async () => {
    const weights = [{ scale: [1, 0.5, 1] }, { scale: 0.25 }];
    const { calls } = await drawTwo([6, 7, 8], weights);
    expect(scalesOf(calls.slice(0, 2))).toEqual([
      [1, 0.25],
      [0.5, 0.25],
    ]);
    expect(calls.slice(0, 2).map(({ sample }) => sample!.shape[0])).toEqual([4, 2]);
  });

  it('are drawn as they are alone', async () => {
    const together = await drawTwo([6, 7, 8], [{ scale: [1, 0.5, 1] }, { scale: 1 }]);
    const plain = await drawTwo([6, 7, 8], [{ scale: 1 }, { scale: 1 }]);
    // The formulas of this test see no scale, so that the order of frames alone could differ.
    expect(together.frames.data).toEqual(plain.frames.data);
  });
});

describe('t2i-adapter', () => {
  it.each([1, 3])('sees pictures of the %i channels that its graph has', async (channels) => {
    const context = drawingContext({
      inputs: [{ name: 'adapter_conds', type: 'float32', shape: [1, 'b', channels, 'h', 'w'] }],
    });
    const input = {
      params: { ...drawn, task: 't2i-adapter', conditioningScale: 0.5 } as const,
      tensors: { control: controlOf([51, 102]) },
      frames: [51, 102],
    };
    const { frames } = await t2iAdapter.generate(input, context);
    expect(frames!.shape).toEqual([2, 16, 32, 3]);
    const { feeds } = context.feeds.find(({ role }) => role === 'unet')!;
    expect(feeds['adapter_conds']!.shape).toEqual([1, 4, channels, 16, 32]);
    expect((feeds['adapter_conds'] as FloatTensor).data[0]).toBe(Math.fround(0.2));
    expect(feeds['conditioning_scales']).toEqual(floatTensor([1], Float32Array.of(0.5)));
  });
});
