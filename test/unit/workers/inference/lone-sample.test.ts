import { describe, expect, it } from 'vitest';

import type { JsonObject } from '../../../../common/task.ts';
import {
  dependsOnThreads,
  runLoneSampleTwice,
} from '../../../../workers/inference/lanes/lone-sample.ts';
import {
  CLIP_UNET,
  IMAGE_UNET,
  INFLATED_UNET,
  TEXT_ENCODER,
  VAE_DECODER,
  VAE_ENCODER,
} from '../../../../workers/inference/graph-contract.ts';
import type { GraphKind } from '../../../../workers/inference/graph-kind.ts';
import type { Session, ValueFacts } from '../../../../workers/inference/ports.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';
import type { Tensor } from '../../../../workers/tensor/tensor.ts';

const inputs: readonly ValueFacts[] = [
  { name: 'timestep', type: 'float32', shape: [] },
  { name: 'sample', type: 'float32', shape: ['batch', 2] },
  { name: 'conds', type: 'float32', shape: [2, 'batch', 2] },
  { name: 'scales', type: 'float32', shape: [2] },
];

/** A session that gives back its sample, and notes what it was fed. */
function echo(facts = inputs) {
  const fed: Readonly<Record<string, Tensor>>[] = [];
  const session: Session = {
    name: 'echo',
    inputs: facts,
    outputs: [],
    run: async (feeds) => {
      fed.push(feeds);
      return Promise.resolve({ out: feeds['sample']! });
    },
  };
  return { session, fed };
}

function feedsOf(batch: number) {
  const ramp = (...shape: number[]): Tensor => {
    const length = shape.reduce((product, size) => product * size, 1);
    return floatTensor(
      shape,
      Float32Array.from({ length }, (_, i) => i),
    );
  };
  return {
    timestep: floatTensor([], Float32Array.of(7)),
    sample: ramp(batch, 2),
    conds: ramp(2, batch, 2),
    scales: ramp(2),
  };
}

describe('a lone sample', () => {
  it('is run twice along every axis that is the batch, and comes back once', async () => {
    const { session, fed } = echo();
    const outputs = await runLoneSampleTwice(session, feedsOf(1));
    expect(fed).toEqual([
      {
        timestep: floatTensor([], Float32Array.of(7)),
        sample: floatTensor([2, 2], Float32Array.of(0, 1, 0, 1)),
        conds: floatTensor([2, 2, 2], Float32Array.of(0, 1, 0, 1, 2, 3, 2, 3)),
        scales: floatTensor([2], Float32Array.of(0, 1)),
      },
    ]);
    expect(outputs).toEqual({ out: floatTensor([1, 2], Float32Array.of(0, 1)) });
  });

  it('is left alone in a graph whose batch is fixed or has no name', async () => {
    for (const size of [1, '']) {
      const facts = inputs.map((value) => {
        return { ...value, shape: value.shape.map((s) => (s === 'batch' ? size : s)) };
      });
      const { session, fed } = echo(facts);
      await runLoneSampleTwice(session, feedsOf(1));
      expect(fed).toEqual([feedsOf(1)]);
    }
  });

  it('is told from a batch of more, which is run as it is', async () => {
    const { session, fed } = echo();
    const outputs = await runLoneSampleTwice(session, feedsOf(3));
    expect(fed).toEqual([feedsOf(3)]);
    expect(outputs['out']).toEqual(feedsOf(3).sample);
  });

  it('is left to the session to refuse when a feed is missing or misshapen', async () => {
    const { session, fed } = echo();
    const { sample } = feedsOf(1);
    await runLoneSampleTwice(session, { sample, conds: sample });
    expect(fed[0]?.['conds']).toBe(sample);
    await runLoneSampleTwice(session, {});
    expect(fed[1]).toEqual({});
  });
});

describe('the bits of a lone sample', () => {
  const widths = { block_out_channels: [128, 256, 512, 512] };
  const onCpu = { threads: 2, executionProviders: ['cpu'] };
  const depends = (
    kind: GraphKind,
    shape: readonly number[],
    { config = widths, ...settings }: Partial<typeof onCpu> & { config?: JsonObject } = {},
  ): boolean => {
    const input = kind.convolves?.input ?? 'input_ids';
    const use = { kind, config, settings: { ...onCpu, ...settings } };
    return dependsOnThreads(use, { [input]: floatTensor(shape) });
  };

  it.each<[string, GraphKind, readonly number[], boolean]>([
    ['a VAE at 512x512', VAE_ENCODER, [1, 3, 512, 512], false],
    ['a VAE at 512x512', VAE_DECODER, [1, 4, 64, 64], false],
    ['a VAE whose latents have fewer pixels than channels', VAE_DECODER, [1, 4, 16, 16], true],
    ['a UNet at 512x512', IMAGE_UNET, [1, 4, 64, 64], true],
    ['a clip of one frame', CLIP_UNET, [1, 4, 1, 64, 64], true],
    ['a text encoder, which convolves nothing', TEXT_ENCODER, [1, 77], false],
    ['a graph without a batch', INFLATED_UNET, [1, 4, 2, 8, 8], false],
  ])('of %s: %s', (_, kind, shape, expected) => {
    expect(depends(kind, shape)).toBe(expected);
  });

  it('depend on as many threads as leave one a short piece', () => {
    const threads = [1, 2, 14, 15, 63, 64];
    const found = threads.map((count) => depends(VAE_DECODER, [1, 4, 64, 64], { threads: count }));
    // 15 pieces of 4,096 pixels: 14 of 288, and one of 64.
    expect(found).toEqual([false, false, false, true, true, true]);
  });

  it('depend on them on the CPU provider alone', () => {
    const shape = [1, 4, 16, 16];
    expect(depends(IMAGE_UNET, shape)).toBe(true);
    for (const provider of ['cuda', 'cuda:1', 'webgpu'])
      expect(depends(IMAGE_UNET, shape, { executionProviders: [provider] })).toBe(false);
  });

  it('do not for a clip of several frames whose temporal convolutions are done row by row', () => {
    const config = { ...widths, rowwise_temporal_convs: true };
    expect(depends(CLIP_UNET, [1, 4, 2, 8, 8], { config })).toBe(false);
    expect(depends(CLIP_UNET, [1, 4, 1, 8, 8], { config })).toBe(true);
    expect(depends(CLIP_UNET, [1, 4, 2, 8, 8])).toBe(true);
  });

  it('are taken for those of Stable Diffusion where the config says nothing', () => {
    expect(depends(IMAGE_UNET, [1, 4, 64, 64], { config: {} })).toBe(true);
    expect(depends(VAE_DECODER, [1, 4, 64, 64], { config: {} })).toBe(false);
  });
});
