// Goal: parts of frames are drawn as diffusers' own inpainting pipeline draws them, over 50 steps; planted mistakes show.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { drawHidden, knownLatents } from '../../../../recipes/inpainting/body.ts';
import { latentMask } from '../../../../recipes/inpainting/hidden-pixels.ts';
import type { InpaintingParams } from '../../../../recipes/inpainting/params.ts';
import { rectangleAt } from '../../../../recipes/pipeline/rectangles.ts';
import { joinChannels } from '../../../../workers/pipelines/latents.ts';
import type { FloatTensor } from '../../../../workers/tensor/tensor.ts';
import { DemoStages } from './demo-stages.ts';
import { goldenFloats, goldenFrames, maxDifference } from './goldens.ts';

vi.setConfig({ testTimeout: 600_000 });

const TOLERANCE = 1e-3;
/** As in models/parity/inpaint.py. */
const MASK = {
  from: { x: 40, y: 30, width: 48, height: 40 },
  to: { x: 61, y: 44, width: 62, height: 54 },
};
const pictures = goldenFrames('ingest', 'frames');
const frames = Array.from({ length: pictures.shape[0]! }, (_, i) => i);
const params: InpaintingParams = {
  ...{ task: 'inpainting', prompt: 'a cyan square moving right on a white background' },
  ...{ negativePrompt: '', steps: 50, guidanceScale: 3, sampler: 'ddim', seed: 0 },
  hidden: frames.map((frame) => [rectangleAt(MASK, frame, frames.length)]),
};
const noise = goldenFloats('inpaint', 'noise');

let demo: DemoStages;
beforeAll(async () => {
  demo = await DemoStages.open();
});
afterAll(async () => demo.close());

async function draw(
  told: InpaintingParams,
  change: (conditions: { mask: FloatTensor; known: FloatTensor }) => FloatTensor[] = ({
    mask,
    known,
  }) => [mask, known],
): Promise<FloatTensor> {
  const context = demo.context('generate', { params: told });
  const known = await knownLatents(
    { params: told, tensors: { frames: pictures }, frames },
    context,
  );
  const mask = latentMask(told.hidden, pictures, noise.shape);
  const conditions = joinChannels(change({ mask, known }));
  return drawHidden({ params: told, frames }, { noise, conditions }, context);
}

it('hides the pixels that the pipeline was told to', () => {
  const golden = goldenFrames('inpaint', 'mask');
  const [, height = 0, width = 0] = golden.shape;
  for (const [frame, [one]] of params.hidden.entries()) {
    const plane = golden.data.subarray(frame * height * width, (frame + 1) * height * width);
    expect(plane.reduce((sum, value) => sum + value, 0)).toBe(one!.width * one!.height);
    expect(plane[one!.y * width + one!.x]).toBe(1);
  }
});

it('draws the recorded latents', async () => {
  const drawn = await draw(params);
  expect(maxDifference(drawn, goldenFloats('inpaint', 'latents'))).toBeLessThanOrEqual(TOLERANCE);
});

describe('a planted mistake shows', () => {
  const differs = async (drawn: Promise<FloatTensor>): Promise<void> => {
    const difference = maxDifference(await drawn, goldenFloats('inpaint', 'latents'));
    expect(difference).toBeGreaterThan(10 * TOLERANCE);
  };

  it('known latents before the mask', async () => {
    await differs(draw(params, ({ mask, known }) => [known, mask]));
  });

  it('the mask inverted', async () => {
    await differs(
      draw(params, ({ mask, known }) => [
        { ...mask, data: mask.data.map((value) => 1 - value) },
        known,
      ]),
    );
  });

  it('a mask that stays', async () => {
    await differs(draw({ ...params, hidden: frames.map(() => [MASK.from]) }));
  });
});
