// Which pixels of a frame are drawn anew, as rectangles or a picture say it, and what an inpainting UNet is shown of them. What is not hidden
// is known.

import { BivdiffError } from '../../common/errors.ts';
import type { Rectangle } from '../../common/stages.ts';
import { floatTensor } from '../tensor/tensor.ts';
import type { FloatTensor, FrameTensor } from '../tensor/tensor.ts';
import { greyFromRgb } from '../vision/grey.ts';
import { framesText } from './failure-place.ts';
import { picturesOf } from './pictures.ts';

/** `[frames, height, width]`, row-major: 1 where a pixel is hidden, else 0. */
export interface HiddenPixels {
  readonly shape: readonly [frames: number, height: number, width: number];
  readonly data: Uint8Array;
}

/** Half of the brightest and more is white. */
const WHITE = 127.5;

export function hiddenByRectangles(
  rectangles: readonly (readonly Rectangle[])[],
  [, height = 0, width = 0]: readonly number[],
): HiddenPixels {
  const data = new Uint8Array(rectangles.length * height * width);
  for (const [frame, ofFrame] of rectangles.entries()) {
    for (const one of ofFrame) {
      for (let row = one.y; row < one.y + one.height; row += 1) {
        const start = (frame * height + row) * width + one.x;
        data.fill(1, start, start + one.width);
      }
    }
  }
  return { shape: [rectangles.length, height, width], data };
}

/**
 * From pictures `[frames, height, width, 3]`, white where something is hidden. `frames`: their indices in the job, for the error.
 * @throws invalid-argument — there is no white in some of them
 */
export function hiddenByMask(masks: FrameTensor, frames: readonly number[]): HiddenPixels {
  const [count = 0, height = 0, width = 0] = masks.shape;
  const data = new Uint8Array(count * height * width);
  const empty: number[] = [];
  for (const [at, picture] of picturesOf(masks).entries()) {
    const { values } = greyFromRgb(picture);
    const own = data.subarray(at * height * width, (at + 1) * height * width);
    values.forEach((level, i) => (own[i] = level >= WHITE ? 1 : 0));
    if (!own.includes(1)) empty.push(frames[at]!);
  }
  if (empty.length > 0) throw noWhite(empty, frames);
  return { shape: [count, height, width], data };
}

function noWhite(empty: readonly number[], all: readonly number[]): BivdiffError {
  const some = `frame${empty.length === 1 ? '' : 's'} ${empty.join(', ')}`;
  const where = empty.length === all.length ? framesText(all) : some;
  const message = `the mask of ${where} has no white pixel, so that nothing of it would be drawn anew`;
  return new BivdiffError('invalid-argument', message, {
    hint: 'What is white in a mask (half and brighter) is drawn anew, what is black is known. Is it inverted? Frames without anything to draw need no render.',
    details: { frames: empty },
  });
}

/** Pixels `[frames, 3, height, width]` in -1..1, hidden ones 0 (middle gray). */
export function withoutHidden(pixels: FloatTensor, { data, shape }: HiddenPixels): FloatTensor {
  const plane = shape[1] * shape[2];
  const known = floatTensor(pixels.shape, pixels.data.slice());
  const channels = pixels.shape[1] ?? 0;
  for (let i = 0; i < data.length; i += 1) {
    if (data[i] === 0) continue;
    const start = Math.floor(i / plane) * channels * plane + (i % plane);
    for (let channel = 0; channel < channels; channel += 1) known.data[start + channel * plane] = 0;
  }
  return known;
}

/** `[frames, 1, h, w]` of 0 and 1: 1 where the pixel at a latent's upper left corner is hidden (torch's nearest). */
export function latentMask(hidden: HiddenPixels, latents: readonly number[]): FloatTensor {
  const [, pixelHeight, pixelWidth] = hidden.shape;
  const [frames = 0, , height = 0, width = 0] = latents;
  const mask = floatTensor([frames, 1, height, width]);
  const [down, across] = [pixelHeight / height, pixelWidth / width];
  for (let i = 0; i < mask.data.length; i += 1) {
    const frame = Math.floor(i / (height * width));
    const y = Math.floor((Math.floor(i / width) % height) * down);
    const x = Math.floor((i % width) * across);
    mask.data[i] = hidden.data[(frame * pixelHeight + y) * pixelWidth + x]!;
  }
  return mask;
}
