// ControlVideo's interleaved-frame smoother (arXiv 2305.13077, section 3.2): at two steps, one after the other, what the clean frames at odd places
// and then those at even ones show gives way to what lies between their neighbours.

import type { DdimSampler } from '../../common/diffusion/samplers/ddim.ts';
import type { StageContext } from '../../workers/inference/ports.ts';
import type { ChooseClean } from '../../workers/pipelines/diffusion-loop.ts';
import { posteriorMode } from '../../workers/pipelines/encode/posterior.ts';
import { decodePixels, encodePixels, scalingFactor } from '../../workers/pipelines/vae.ts';
import { elementCount, floatTensor } from '../../workers/tensor/tensor.ts';
import type { FloatTensor } from '../../workers/tensor/tensor.ts';
import { pictureBetween } from '../../workers/vision/picture-between.ts';
import type { RgbLevels } from '../../workers/vision/rgb-levels.ts';

/** The first of the two steps leaves so many of the steps: 20 of 50, as in the method's code. */
const SHARE_LEFT = 0.4;

/** `[height, width, 3]`, 0..255. */
export type Between = (before: RgbLevels, after: RgbLevels) => Float32Array;

export interface SmootherOptions {
  readonly sampler: DdimSampler;
  /** Of the latents: `[frames, channels, h, w]`. */
  readonly shape: readonly number[];
  readonly context: StageContext;
  /** For tests, which plant mistakes. @default by optical flow */
  readonly between?: Between;
}

export function interleavedSmoother(options: SmootherOptions): ChooseClean {
  const { sampler, shape, context, between = pictureBetween } = options;
  return async (input) => {
    const parity = smoothedParity(input.stepIndex, sampler.timesteps.length);
    if (parity === undefined) return undefined;
    const clean = floatTensor(shape, sampler.predictClean(input));
    const { shape: size, data } = await decodePixels(clean, context);
    const pixels = floatTensor(
      size,
      data.map((value) => Math.min(1, Math.max(-1, value))),
    );
    for (const { place, before, after } of placesBetween(parity, shape[0]!)) {
      context.throwIfCancelled();
      setFrame(pixels, place, between(frameOf(pixels, before), frameOf(pixels, after)));
    }
    const encoder = await context.session('vae-encoder');
    const posterior = await encodePixels(pixels, encoder, context);
    return posteriorMode(posterior, scalingFactor(context.config('vae-encoder'))).data;
  };
}

/** Whether a step smooths frames at odd places (1), at even ones (0), or none. */
export function smoothedParity(step: number, steps: number): 0 | 1 | undefined {
  const after = Math.round(SHARE_LEFT * steps) - (steps - step);
  if (after === 0) return 1;
  return after === 1 ? 0 : undefined;
}

export interface PlaceBetween {
  readonly place: number;
  readonly before: number;
  readonly after: number;
}

/** As in the method's code: a frame at an even end of the window is its own neighbour, one at an odd end stays as it is. */
export function placesBetween(parity: 0 | 1, count: number): readonly PlaceBetween[] {
  const places: PlaceBetween[] = [];
  for (let place = parity; place < count; place += 2) {
    if (parity === 1 && place === count - 1) continue;
    const [before, after] = [Math.max(0, place - 1), Math.min(count - 1, place + 1)];
    places.push({ place, before, after });
  }
  return places;
}

/** Of `[frames, 3, height, width]`, -1..1. */
function frameOf({ shape, data }: FloatTensor, frame: number): RgbLevels {
  const [, , height = 0, width = 0] = shape;
  const plane = height * width;
  const start = frame * elementCount(shape.slice(1));
  const rgb = new Float32Array(3 * plane);
  for (let i = 0; i < rgb.length; i += 1) {
    rgb[i] = 127.5 * (data[start + (i % 3) * plane + Math.floor(i / 3)]! + 1);
  }
  return { width, height, rgb };
}

function setFrame({ shape, data }: FloatTensor, frame: number, rgb: Float32Array): void {
  const plane = rgb.length / 3;
  const start = frame * elementCount(shape.slice(1));
  for (let i = 0; i < rgb.length; i += 1) {
    data[start + (i % 3) * plane + Math.floor(i / 3)] = rgb[i]! / 127.5 - 1;
  }
}
