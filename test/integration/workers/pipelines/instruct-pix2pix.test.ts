// Goal: frames are edited as diffusers' own InstructPix2Pix pipeline edits them, over 50 steps, with each sampler; planted mistakes show.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { SAMPLERS } from '../../../../common/stages.ts';
import type { SamplerName } from '../../../../common/stages.ts';
import { instructBranches, pictureLatents } from '../../../../recipes/instruct-pix2pix/body.ts';
import type { InstructParams } from '../../../../recipes/instruct-pix2pix/params.ts';
import { drawBranches } from '../../../../recipes/source-drawing.ts';
import type { Branch } from '../../../../workers/pipelines/guidance.ts';
import { sliceBatch } from '../../../../workers/pipelines/latents.ts';
import { scalingFactor } from '../../../../workers/pipelines/vae.ts';
import { floatTensor, frameTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor } from '../../../../workers/tensor/tensor.ts';
import { DemoStages } from './demo-stages.ts';
import { goldenFloats, goldenFrames, maxDifference } from './goldens.ts';
import { casesOf, isThorough } from '../../../support/thorough.ts';

vi.setConfig({ testTimeout: 600_000 });

const TOLERANCE = 1e-3;
/** As in models/parity/instruct.py. */
const SHIFT = 977;
const params: InstructParams = {
  ...{ task: 'instruct-pix2pix', prompt: 'make it yellow', negativePrompt: '', steps: 50 },
  ...{ guidanceScale: 3, imageGuidanceScale: 1.5, sampler: 'ddim', seed: 0 },
};

let demo: DemoStages;
beforeAll(async () => {
  demo = await DemoStages.open();
});
afterAll(async () => demo.close());

type Change = (branches: readonly Branch[]) => readonly Branch[];

/** As many frames as are recorded for the sampler. */
async function edit(
  sampler: SamplerName,
  change: Change = (branches) => branches,
): Promise<FloatTensor> {
  const told = { ...params, sampler };
  const count = goldenFloats('instruct', sampler).shape[0]!;
  const noise = sliceBatch(goldenFloats('instruct', 'noise'), 0, count);
  const { shape, data } = goldenFrames('ingest', 'frames');
  const values = data.length / shape[0]!;
  const pictures = frameTensor([count, ...shape.slice(1)], data.slice(0, count * values));
  const frames = Array.from({ length: count }, (_, i) => i);
  const context = demo.context('generate', { params: told });
  const picture = await pictureLatents(pictures, context);
  const branches = change(await instructBranches(told, picture, context));
  const stepNoise = (step: number): FloatTensor => movedOn(noise, SHIFT * (step + 1));
  return drawBranches({ params: told, frames }, { noise, branches, stepNoise }, context);
}

function movedOn({ shape, data }: FloatTensor, places: number): FloatTensor {
  const start = data.length - (places % data.length);
  return floatTensor(
    shape,
    data.map((_, i) => data[(i + start) % data.length]!),
  );
}

/** One that draws no noise and one that does. */
const QUICK: readonly string[] = ['pndm', 'euler-ancestral'];

it.each(casesOf(SAMPLERS, (name) => QUICK.includes(name)))(
  'draws the recorded latents with %s',
  async (sampler) => {
    const difference = maxDifference(await edit(sampler), goldenFloats('instruct', sampler));
    expect(difference).toBeLessThanOrEqual(TOLERANCE);
  },
);

describe.runIf(isThorough)('a planted mistake shows', () => {
  /** Of a sampler of which two frames are recorded. */
  const differs = async (change: Change): Promise<void> => {
    const difference = maxDifference(await edit('pndm', change), goldenFloats('instruct', 'pndm'));
    expect(difference).toBeGreaterThan(10 * TOLERANCE);
  };
  const scaled = ({ shape, data }: FloatTensor, by: number): FloatTensor =>
    floatTensor(
      shape,
      data.map((value) => value * by),
    );

  it('latents of the picture scaled', async () => {
    const factor = scalingFactor(demo.set.image.vaeEncoder.config);
    await differs((branches) =>
      branches.map((one) => ({ ...one, channels: scaled(one.channels!, factor) })),
    );
  });

  it('the two scales swapped', async () => {
    await differs(([nothing, shown, told]) => [
      nothing!,
      { ...shown!, weight: told!.weight },
      { ...told!, weight: shown!.weight },
    ]);
  });

  it('the branches in another order', async () => {
    await differs(([nothing, shown, told]) => [
      nothing!,
      { ...told!, weight: shown!.weight },
      { ...shown!, weight: told!.weight },
    ]);
  });

  it('the picture shown where there should be none', async () => {
    await differs(([nothing, shown, told]) => [
      { ...nothing!, channels: shown!.channels! },
      shown!,
      told!,
    ]);
  });
});
