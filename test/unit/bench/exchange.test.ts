import { expect, it } from 'vitest';

import { bytesOnPaper } from '../../../bench/wavefront/exchange.ts';

const CLIP = { frames: 512, window: 16, stride: 8, block: 1, steps: 50, frameBytes: 65_536 };

it('is, of windows that overlap by half, a window of neighbours for each, and half a one at the ends', () => {
  const windows = 63;
  expect(bytesOnPaper(CLIP)).toEqual({
    own: 49 * windows * 16 * 65_536,
    neighbours: 49 * (windows - 1) * 16 * 65_536,
  });
});

it('is less where windows that overlap are in one block', () => {
  // Of 16 blocks, each but the last has a neighbour after it: 8 frames each way.
  const { own, neighbours } = bytesOnPaper({ ...CLIP, block: 4 });
  expect(own).toBe(bytesOnPaper(CLIP).own);
  expect(neighbours).toBe(49 * 15 * 16 * 65_536);
});
