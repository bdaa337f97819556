// Goal: the frames of a window are drawn together over 50 steps as a reference in diffusers' classes draws them, whose attention and smoother are
// written anew (models/parity/controlvideo.py); planted mistakes show. What lies between two frames is their mean in both; that by optical flow, which
// renders use, is test/integration/workers/vision/opencv.test.ts's.

import { afterAll, beforeAll, expect, it, vi } from 'vitest';

import type { ModelPart } from '../../../../common/models/model-set.ts';
import { drawLatents } from '../../../../recipes/controlnet/drawing.ts';
import type { Drawing } from '../../../../recipes/controlnet/drawing.ts';
import type { Between } from '../../../../recipes/controlnet/interleaved-smoother.ts';
import { drawWindow } from '../../../../recipes/controlnet/window-drawing.ts';
import type { StageContext } from '../../../../workers/inference/ports.ts';
import { drawingNoise } from '../../../../workers/pipelines/drawing-noise.ts';
import { repeatBatch } from '../../../../workers/pipelines/latents.ts';
import { frameTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor } from '../../../../workers/tensor/tensor.ts';
import { DemoStages } from './demo-stages.ts';
import { goldenFloats, goldenFrames, maxDifference } from './goldens.ts';
import { casesOf } from '../../../support/thorough.ts';

vi.setConfig({ testTimeout: 600_000 });

const TOLERANCE = 1e-3;
const outlines = goldenFrames('controlvideo', 'outlines');
const FRAMES = outlines.shape[0]!;
const frames = Array.from({ length: FRAMES }, (_, frame) => frame);
const pictures = frameTensor(
  [...outlines.shape, 3],
  Uint8Array.from(
    { length: 3 * outlines.data.length },
    (_, i) => outlines.data[Math.floor(i / 3)]!,
  ),
);
/** As in models/parity/controlvideo.py. */
const params = {
  task: 'controlnet',
  method: 'controlvideo',
  sampler: 'ddim',
  ...{ steps: 50, guidanceScale: 3, seed: 0, conditioningScale: 1 },
  prompt: 'a cyan square moving right on a white background',
  negativePrompt: 'a red circle',
} as const;

const mean: Between = ({ rgb }, after) => Float32Array.from(rgb, (v, i) => (v + after.rgb[i]!) / 2);
const oneBefore: Between = ({ rgb }) => Float32Array.from(rgb);

let demo: DemoStages;
beforeAll(async () => {
  demo = await DemoStages.open();
});
afterAll(async () => demo.close());

type Draw = (drawing: Drawing, context: StageContext) => Promise<FloatTensor>;

interface Change {
  readonly unet?: string;
  readonly noise?: FloatTensor;
  readonly draw?: Draw;
}

const drawByMeans: Draw = (drawing, context) => drawWindow(drawing, context, mean);

async function differenceOf(change: Change = {}): Promise<number> {
  const {
    unet = 'controlvideo-canny',
    noise = repeatBatch(goldenFloats('controlvideo', 'noise'), FRAMES),
    draw = drawByMeans,
  } = change;
  const part: ModelPart = demo.set.generators[unet]!.unet;
  const context = demo.context('generate', { params, models: { unet: part } });
  const drawing = { params, controls: [{ scale: 1, pictures }], noise, frames };
  return maxDifference(await draw(drawing, context), goldenFloats('controlvideo', 'latents'));
}

it('draws the latents that the reference recorded', async () => {
  expect(await differenceOf()).toBeLessThanOrEqual(TOLERANCE);
});

const MISTAKES: readonly (readonly [string, Change])[] = [
  ['frames that see themselves alone', { unet: 'canny' }],
  ['frames that begin from noise of their own', { noise: ownNoise() }],
  ['guidance whose branches see each other', { draw: drawLatents }],
  [
    'a smoother left out',
    { draw: (drawing, context) => drawLatents({ ...drawing, isWindow: true }, context) },
  ],
  [
    'a smoother that takes the frame before',
    { draw: (drawing, context) => drawWindow(drawing, context, oneBefore) },
  ],
];

it.each(casesOf(MISTAKES, ([name]) => name === 'a smoother left out'))(
  'shows a planted mistake: %s',
  async (_, change) => {
    expect(await differenceOf(change)).toBeGreaterThan(10 * TOLERANCE);
  },
);

function ownNoise(): FloatTensor {
  const { shape } = goldenFloats('controlvideo', 'noise');
  return drawingNoise([FRAMES, ...shape.slice(1)], { seed: 0, frames });
}
