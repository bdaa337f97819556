// Between pixels and latents: calls of the VAE's two graphs, a few frames at a time so that memory does not grow with
// the number of frames.

import assert from 'node:assert/strict';

import { BivdiffError } from '../../common/errors.ts';
import { vaeFramesAtOnce } from '../../common/models/vae-frames.ts';
import type { JsonObject } from '../../common/task.ts';
import type { Session, StageContext } from '../inference/ports.ts';
import { floatTensor } from '../tensor/tensor.ts';
import type { FloatTensor, FrameTensor } from '../tensor/tensor.ts';
import { framesText, whileDoing } from './failure-place.ts';
import { floatOutput } from './graph-outputs.ts';
import { joinBatches, sliceBatch } from './latents.ts';
import { framesFromPixels } from './pixels.ts';

/** AutoencoderKL's own defaults, for configs that leave them out (diffusers, autoencoder_kl.py). */
const DEFAULT_SCALING_FACTOR = 0.18215;
const DEFAULT_REDUCTION = 8;
const DEFAULT_CHANNELS = 4;

/** Latents are the VAE's own times this. */
export function scalingFactor(config: JsonObject): number {
  const factor = config['scaling_factor'];
  return typeof factor === 'number' ? factor : DEFAULT_SCALING_FACTOR;
}

/** Pixels per latent, along each side. */
function reductionOf(config: JsonObject): number {
  const blocks = config['block_out_channels'];
  return Array.isArray(blocks) ? 2 ** (blocks.length - 1) : DEFAULT_REDUCTION;
}

/** Of the latents of these frames: `[frames, channels, height/8, width/8]`. */
export function latentShape(frames: FrameTensor, config: JsonObject): readonly number[] {
  const [count = 0, height = 0, width = 0] = frames.shape;
  const reduction = reductionOf(config);
  const channels = config['latent_channels'] ?? DEFAULT_CHANNELS;
  return [count, Number(channels), height / reduction, width / reduction];
}

/** @throws invalid-argument — the VAE, whose config this is, would cut off a border of these frames */
export function checkPixelSize(frames: FrameTensor, config: JsonObject): void {
  const [, height = 0, width = 0] = frames.shape;
  const multiple = reductionOf(config);
  if (height > 0 && width > 0 && height % multiple === 0 && width % multiple === 0) return;
  throw new BivdiffError(
    'invalid-argument',
    `frames of ${String(width)}x${String(height)} do not fit the VAE: it needs multiples of ${String(multiple)}`,
    {
      retry: 'never',
      hint: `Choose a width and a height that are multiples of ${String(multiple)}.`,
      details: { width, height, multiple },
    },
  );
}

/** What a generate task makes of the latents that it has drawn; `frames` are their indices in the job, which a failure names. */
export async function decodeDrawn(
  latents: FloatTensor,
  frames: readonly number[],
  context: StageContext,
): Promise<{ readonly frames: FrameTensor }> {
  const decoded = await whileDoing(`generate ${framesText(frames)}`, () =>
    decodeLatents(latents, context),
  );
  return { frames: decoded };
}

/** Scaled latents `[frames, channels, h, w]` to pictures `[frames, height, width, 3]`, by the task's `vae-decoder`. */
export async function decodeLatents(
  latents: FloatTensor,
  context: StageContext,
): Promise<FrameTensor> {
  return framesFromPixels(await decodePixels(latents, context));
}

/** The same as the VAE gives it: `[frames, 3, height, width]`, about -1..1. */
export async function decodePixels(
  latents: FloatTensor,
  context: StageContext,
): Promise<FloatTensor> {
  const decoder = await context.session('vae-decoder');
  const config = context.config('vae-decoder');
  const [, , height = 0, width = 0] = latents.shape;
  const framePixels = height * width * reductionOf(config) ** 2;
  return inChunks(latents, { framePixels, context }, async (chunk) => {
    const sample = unscaleLatents(chunk, scalingFactor(config));
    return floatOutput(await decoder.run({ latent_sample: sample }), 'sample', decoder.name);
  });
}

/** Pixels `[frames, 3, height, width]`, -1..1, to what `encoder` makes of them, a batch of frames. */
export async function encodePixels(
  pixels: FloatTensor,
  encoder: Session,
  context: StageContext,
): Promise<FloatTensor> {
  const [, , height = 0, width = 0] = pixels.shape;
  return inChunks(pixels, { framePixels: height * width, context }, async (chunk) => {
    return floatOutput(await encoder.run({ sample: chunk }), 'latent_parameters', encoder.name);
  });
}

function unscaleLatents(latents: FloatTensor, factor: number): FloatTensor {
  const scale = Math.fround(factor);
  return floatTensor(
    latents.shape,
    latents.data.map((value) => value / scale),
  );
}

async function inChunks(
  frames: FloatTensor,
  limits: { readonly framePixels: number; readonly context: StageContext },
  run: (chunk: FloatTensor) => Promise<FloatTensor>,
): Promise<FloatTensor> {
  const count = frames.shape[0]!;
  assert(count > 0 && limits.framePixels > 0, 'there are no frames');
  const atOnce = vaeFramesAtOnce(limits.framePixels);
  const calls = Math.ceil(count / atOnce);
  const chunks: FloatTensor[] = [];
  // Spread evenly, so that none is left alone where it can be helped.
  for (let call = 0; call < calls; call += 1) {
    limits.context.throwIfCancelled();
    const [start, end] = [call, call + 1].map((edge) => Math.ceil((edge * count) / calls));
    chunks.push(await run(sliceBatch(frames, start!, end!)));
  }
  return joinBatches(chunks);
}
