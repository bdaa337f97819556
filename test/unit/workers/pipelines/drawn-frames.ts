// A small clip made by arithmetic, so that its bytes are the same everywhere: a bright square that moves over a
// gradient, with some grain.

import { frameTensor } from '../../../../workers/tensor/tensor.ts';
import type { FrameTensor } from '../../../../workers/tensor/tensor.ts';

export interface DrawOptions {
  /** Changes the grain. */
  readonly seed: number;
  /** Levels that the grain spans, 0..115. */
  readonly grain: number;
}

const SIZE = 48;

/** `[frames, 48, 48, 3]`. */
export function drawFrames(frames: number, { seed, grain }: DrawOptions): FrameTensor {
  const drawn = frameTensor([frames, SIZE, SIZE, 3]);
  let state = seed >>> 0;
  let at = 0;
  for (let frame = 0; frame < frames; frame += 1) {
    for (let y = 0; y < SIZE; y += 1) {
      for (let x = 0; x < SIZE; x += 1) {
        const isInside = Math.abs(x - 16 - 3 * frame) < 9 && Math.abs(y - 22) < 9;
        for (let channel = 0; channel < 3; channel += 1) {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
          const base = isInside ? 140 - 20 * channel : 20 + y + 10 * channel;
          drawn.data[at] = base + ((state >>> 16) % (grain + 1));
          at += 1;
        }
      }
    }
  }
  return drawn;
}
