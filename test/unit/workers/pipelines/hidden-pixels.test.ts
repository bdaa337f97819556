// Which pixels are hidden, by rectangles or by a picture, and what the inpainting UNet is shown of a frame.

import { expect, it } from 'vitest';

import {
  hiddenByMask,
  hiddenByRectangles,
  latentMask,
  withoutHidden,
} from '../../../../workers/pipelines/hidden-pixels.ts';
import { floatTensor, frameTensor } from '../../../../workers/tensor/tensor.ts';

const box = { x: 9, y: 8, width: 8, height: 8 };

it('hidden pixels are middle gray in every channel, the others as they were', () => {
  const pixels = floatTensor([2, 3, 16, 24], new Float32Array(2 * 3 * 16 * 24).fill(0.5));
  const { data } = withoutHidden(pixels, hiddenByRectangles([[box], []], [2, 16, 24, 3]));
  const at = (frame: number, channel: number, y: number, x: number): number | undefined =>
    data[((frame * 3 + channel) * 16 + y) * 24 + x];
  for (const channel of [0, 1, 2]) {
    expect(at(0, channel, 8, 9)).toBe(0);
    expect(at(0, channel, 15, 16)).toBe(0);
    expect(at(0, channel, 8, 8)).toBe(0.5);
    expect(at(0, channel, 7, 9)).toBe(0.5);
    expect(at(1, channel, 8, 9)).toBe(0.5);
  }
  expect(data.filter((value) => value === 0)).toHaveLength(3 * 64);
  expect(pixels.data.every((value) => value === 0.5)).toBe(true);
});

// torch.nn.functional.interpolate, mode nearest, of a 16x24 mask with rows 8..15 and columns 9..16 to 2x3: [[0,0,0],[0,0,1]].
it('a latent is hidden where its upper left pixel is', () => {
  const mask = latentMask(hiddenByRectangles([[box]], [1, 16, 24, 3]), [1, 4, 2, 3]);
  expect([...mask.data]).toEqual([0, 0, 0, 0, 0, 1]);
  expect(mask.shape).toEqual([1, 1, 2, 3]);
});

// PIL.Image.convert('L') / 255 >= 0.5, as diffusers' prepare_mask_and_masked_image has it: 128, and a green of 218; not 127, nor a red of 255.
it('of a mask half the brightest is white, whatever its colour', () => {
  const levels = [
    ...[128, 128, 128, 127, 127, 127, 0, 218, 0],
    ...[255, 0, 0, 0, 0, 0, 255, 255, 255],
  ];
  const masks = frameTensor([1, 2, 3, 3], Uint8Array.from(levels));
  expect(hiddenByMask(masks, [7])).toEqual({
    shape: [1, 2, 3],
    data: Uint8Array.from([1, 0, 1, 0, 0, 1]),
  });
});

it('a mask without white is refused, by the frames whose it is', () => {
  const masks = frameTensor([3, 1, 1, 3], Uint8Array.from([255, 255, 255, 9, 9, 9, 0, 0, 0]));
  expect(() => hiddenByMask(masks, [4, 5, 6])).toThrow(
    'the mask of frames 5, 6 has no white pixel, so that nothing of it would be drawn anew',
  );
  const dark = frameTensor([2, 1, 1, 3]);
  expect(() => hiddenByMask(dark, [4, 5])).toThrow('the mask of frames 4 to 5 has no white pixel');
});
