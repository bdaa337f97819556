import { describe, expect, it } from 'vitest';

import { mixNoise } from '../../../../../workers/pipelines/mix/mix-noise.ts';
import { floatTensor } from '../../../../../workers/tensor/tensor.ts';
import type { FloatTensor } from '../../../../../workers/tensor/tensor.ts';

const row = (...values: number[]): FloatTensor => {
  return floatTensor([1, values.length], Float32Array.from(values));
};

// Two rows of torch.randn (seed 7), and what torch 2.13 gives for ratio * image + (1 - ratio) * video.
const image = row(-0.1467950940132141, 0.7861412763595581, 0.9468216300010681, -0.8948279023170471);
const video = row(
  -0.3556250333786011,
  1.2323857545852661,
  0.13817265629768372,
  0.13280697166919708,
);

describe('mixNoise', () => {
  it.each([
    [0.2, [-0.3138590455055237, 1.1431368589401245, 0.29990243911743164, -0.072720006108284]],
    [0.7, [-0.2094440758228302, 0.9200146198272705, 0.7042269706726074, -0.5865374803543091]],
  ])('gives the bits that torch gives at ratio %d', (ratio, expected) => {
    expect([...mixNoise(image, video, ratio).data]).toEqual(expected);
  });

  it('lets the ratio multiply the image branch', () => {
    expect(mixNoise(image, video, 1)).toEqual(image);
    expect(mixNoise(image, video, 0)).toEqual(video);
    expect([...mixNoise(row(1), row(0), 0.25).data]).toEqual([0.25]);
  });

  it('does not restore the variance', () => {
    expect([...mixNoise(row(1, -1), row(1, 1), 0.25).data]).toEqual([1, 0.5]);
  });

  it('refuses noises of different shapes', () => {
    expect(() => mixNoise(row(1), row(1, 2), 0.5)).toThrow(/differ in shape/);
  });
});
