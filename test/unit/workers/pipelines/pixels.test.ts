// Expected levels were computed with torch 2.13: (x / 2 + 0.5).clamp(0, 1) * 255, then round().

import { describe, expect, it } from 'vitest';

import {
  conditionsFromFrames,
  framesFromPixels,
  pixelsFromFrames,
} from '../../../../workers/pipelines/pixels.ts';
import { floatTensor, frameTensor } from '../../../../workers/tensor/tensor.ts';

/** One frame, one pixel high, whose pixels have equal levels in their three channels. */
function greyRow(values: readonly number[]) {
  const row = Float32Array.from(values);
  return floatTensor([1, 3, 1, row.length], Float32Array.of(...row, ...row, ...row));
}

describe('pictures as models see them', () => {
  const pictures = frameTensor(
    [2, 1, 2, 3],
    Uint8Array.of(0, 1, 2, 127, 128, 255, 10, 20, 30, 40, 50, 60),
  );

  it('go to -1..1 with the channels apart', () => {
    const pixels = pixelsFromFrames(pictures);
    expect(pixels.shape).toEqual([2, 3, 1, 2]);
    const levels = [0, 127, 1, 128, 2, 255, 10, 40, 20, 50, 30, 60];
    expect([...pixels.data]).toEqual(
      levels.map((level) => Math.fround(Math.fround(level / 127.5) - 1)),
    );
    expect(pixels.data[0]).toBe(-1);
    expect(pixels.data[5]).toBe(1);
  });

  it('go to 0..1 as a condition', () => {
    const conditions = conditionsFromFrames(pictures);
    expect(conditions.data[0]).toBe(0);
    expect(conditions.data[5]).toBe(1);
    expect(conditions.data[1]).toBe(Math.fround(127 / 255));
  });
});

describe('pictures from pixels', () => {
  it('round a half to the even level', () => {
    // These come to k + 0.5 exactly, in float32 as in torch.
    const ks = Array.from({ length: 128 }, (_, i) => 64 + i);
    const frames = framesFromPixels(greyRow(ks.map((k) => (2 * (k + 0.5)) / 255 - 1)));
    const levels = frames.data.filter((_, i) => i % 3 === 0);
    expect([...levels]).toEqual(ks.map((k) => (k % 2 === 0 ? k : k + 1)));
  });

  it('clamp what is beyond -1..1', () => {
    const frames = framesFromPixels(greyRow([-3, -1, 1, 1.5]));
    expect([...frames.data]).toEqual([0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255]);
  });

  it('give every level back', () => {
    const levels = Uint8Array.from({ length: 768 }, (_, i) => i % 256);
    const pictures = frameTensor([1, 16, 16, 3], levels);
    expect(framesFromPixels(pixelsFromFrames(pictures))).toEqual(pictures);
  });
});
