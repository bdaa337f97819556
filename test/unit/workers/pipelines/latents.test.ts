import { describe, expect, it } from 'vitest';

import {
  clipFromFrames,
  framesFromClip,
  joinBatches,
  repeatBatch,
  sliceBatch,
} from '../../../../workers/pipelines/latents.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';

/** Each value says where it is: frame, channel, row, column as decimal digits. */
function numberedLatents(frames: number) {
  const data: number[] = [];
  for (let frame = 0; frame < frames; frame += 1) {
    for (let channel = 0; channel < 4; channel += 1) {
      for (let row = 0; row < 2; row += 1) {
        for (let column = 0; column < 3; column += 1) {
          data.push(frame * 1000 + channel * 100 + row * 10 + column);
        }
      }
    }
  }
  return floatTensor([frames, 4, 2, 3], Float32Array.from(data));
}

describe('the layouts of latents', () => {
  it('puts channels before frames in a clip', () => {
    const clip = clipFromFrames(numberedLatents(5));
    expect(clip.shape).toEqual([1, 4, 5, 2, 3]);
    // Channel 2, frame 3, row 1, column 2.
    expect(clip.data[((2 * 5 + 3) * 2 + 1) * 3 + 2]).toBe(3212);
    expect([...clip.data.subarray(0, 7)]).toEqual([0, 1, 2, 10, 11, 12, 1000]);
  });

  it.each([1, 2, 5, 8])('gives %i frames back as they were', (frames) => {
    const latents = numberedLatents(frames);
    expect(framesFromClip(clipFromFrames(latents))).toEqual(latents);
  });

  it('refuses what is no batch of frames', () => {
    expect(() => clipFromFrames(floatTensor([4, 2, 3]))).toThrow(/rank 4; found \[4, 2, 3\]/);
    expect(() => framesFromClip(floatTensor([2, 4, 5, 2, 3]))).toThrow(/batch of one/);
  });
});

describe('joining along the first axis', () => {
  it('repeats the whole batch, not each entry', () => {
    const pair = floatTensor([2, 1], Float32Array.of(1, 2));
    expect(repeatBatch(pair, 2)).toEqual(floatTensor([4, 1], Float32Array.of(1, 2, 1, 2)));
    expect(repeatBatch(pair, 1)).toBe(pair);
  });

  it('slices what it joined', () => {
    const [a, b] = [numberedLatents(2), numberedLatents(3)];
    const joined = joinBatches([a, b]);
    expect(joined.shape).toEqual([5, 4, 2, 3]);
    expect(sliceBatch(joined, 0, 2)).toEqual(a);
    expect(sliceBatch(joined, 2, 5)).toEqual(b);
  });
});
