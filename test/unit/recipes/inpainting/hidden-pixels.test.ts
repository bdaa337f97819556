// What the inpainting UNet is shown of a frame: pictures without the hidden part, and which latents it covers.

import { expect, it } from 'vitest';

import { latentMask, withoutHidden } from '../../../../recipes/inpainting/hidden-pixels.ts';
import { rectangleAt, rectangleProblem } from '../../../../recipes/pipeline/rectangles.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';

const box = { x: 9, y: 8, width: 8, height: 8 };

it('hidden pixels are middle gray in every channel, the others as they were', () => {
  const pixels = floatTensor([2, 3, 16, 24], new Float32Array(2 * 3 * 16 * 24).fill(0.5));
  const { data } = withoutHidden(pixels, [[box], []]);
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
  const mask = latentMask([[box]], { shape: [1, 16, 24, 3] }, [1, 4, 2, 3]);
  expect([...mask.data]).toEqual([0, 0, 0, 0, 0, 1]);
  expect(mask.shape).toEqual([1, 1, 2, 3]);
});

it('a rectangle moves evenly from the first frame to the last', () => {
  const to = { x: 19, y: 8, width: 16, height: 4 };
  const moving = { from: box, to };
  expect(rectangleAt(moving, 0, 5)).toEqual(box);
  expect(rectangleAt(moving, 2, 5)).toEqual({ x: 14, y: 8, width: 12, height: 6 });
  expect(rectangleAt(moving, 4, 5)).toEqual(to);
  expect(rectangleAt(moving, 0, 1)).toEqual(box);
  expect(rectangleAt({ from: box }, 3, 5)).toEqual(box);
});

it('a rectangle has to lie in the frame', () => {
  expect(rectangleProblem(box, { width: 17, height: 16 })).toBeUndefined();
  expect(rectangleProblem(box, { width: 16, height: 16 })).toBe(
    '9,8,8,8 reaches to 17,16, out of frames of 16x16',
  );
});
