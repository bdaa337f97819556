// Goal: parts of frames are drawn as diffusers' own inpainting pipeline draws them, over 50 steps; planted mistakes show.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { drawHidden, knownLatents } from '../../../../recipes/inpainting/body.ts';
import type { InpaintingParams } from '../../../../recipes/inpainting/params.ts';
import { rectangleAt } from '../../../../recipes/pipeline/rectangles.ts';
import {
  hiddenByMask,
  hiddenByRectangles,
  latentMask,
} from '../../../../workers/pipelines/hidden-pixels.ts';
import type { HiddenPixels } from '../../../../workers/pipelines/hidden-pixels.ts';
import { joinChannels } from '../../../../workers/pipelines/latents.ts';
import { frameTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor } from '../../../../workers/tensor/tensor.ts';
import { DemoStages } from './demo-stages.ts';
import { goldenFloats, goldenFrames, maxDifference } from './goldens.ts';
import { itThorough } from '../../../support/thorough.ts';

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
};
const rectangles = frames.map((frame) => [rectangleAt(MASK, frame, frames.length)]);
const moving = hiddenByRectangles(rectangles, pictures.shape);
const noise = goldenFloats('inpaint', 'noise');

let demo: DemoStages;
beforeAll(async () => {
  demo = await DemoStages.open();
});
afterAll(async () => demo.close());

async function draw(
  hidden: HiddenPixels,
  change: (conditions: { mask: FloatTensor; known: FloatTensor }) => FloatTensor[] = ({
    mask,
    known,
  }) => [mask, known],
): Promise<FloatTensor> {
  const context = demo.context('generate', { params });
  const known = await knownLatents(pictures, hidden, context);
  const mask = latentMask(hidden, noise.shape);
  const conditions = joinChannels(change({ mask, known }));
  return drawHidden({ params, frames }, { noise, conditions }, context);
}

it('hides the pixels that the pipeline was told to', () => {
  const golden = goldenFrames('inpaint', 'mask');
  expect(golden.data).toEqual(moving.data);
  // As pictures, white where something is hidden, as a mask is given.
  const levels = Uint8Array.from({ length: 3 * golden.data.length }, (_, i) =>
    golden.data[Math.floor(i / 3)] === 1 ? 255 : 0,
  );
  expect(hiddenByMask(frameTensor([...golden.shape, 3], levels), frames)).toEqual(moving);
});

it('draws the recorded latents', async () => {
  const drawn = await draw(moving);
  expect(maxDifference(drawn, goldenFloats('inpaint', 'latents'))).toBeLessThanOrEqual(TOLERANCE);
});

describe('a planted mistake shows', () => {
  const differs = async (drawn: Promise<FloatTensor>): Promise<void> => {
    const difference = maxDifference(await drawn, goldenFloats('inpaint', 'latents'));
    expect(difference).toBeGreaterThan(10 * TOLERANCE);
  };

  it('known latents before the mask', async () => {
    await differs(draw(moving, ({ mask, known }) => [known, mask]));
  });

  it('the mask inverted', async () => {
    await differs(
      draw(moving, ({ mask, known }) => [
        { ...mask, data: mask.data.map((value) => 1 - value) },
        known,
      ]),
    );
  });

  itThorough('a mask that stays', async () => {
    const still = frames.map(() => [MASK.from]);
    await differs(draw(hiddenByRectangles(still, pictures.shape)));
  });
});
