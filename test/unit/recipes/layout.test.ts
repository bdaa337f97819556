import { describe, expect, it } from 'vitest';

import {
  batchLayout,
  partsOfRange,
  sampleFrames,
  windowLayout,
} from '../../../recipes/pipeline/layout.ts';

describe('batchLayout', () => {
  it('keeps the earlier batches when more frames are asked for', () => {
    const eight = batchLayout(8, 4);
    const sixteen = batchLayout(16, 4);
    expect([0, 1].map((i) => eight.range(i))).toEqual([0, 1].map((i) => sixteen.range(i)));
  });

  it('ends with a short batch', () => {
    expect(batchLayout(10, 4).range(2)).toEqual({ start: 8, count: 2 });
  });
});

describe('windowLayout', () => {
  it('shifts the last window back so that it ends at the last frame', () => {
    const windows = windowLayout(12, 8);
    expect([0, 1].map((i) => windows.range(i))).toEqual([
      { start: 0, count: 8 },
      { start: 4, count: 8 },
    ]);
  });

  it('uses the earlier window where two cover a frame', () => {
    const windows = windowLayout(12, 8);
    expect([7, 8, 11].map((frame) => windows.owner(frame))).toEqual([0, 1, 1]);
  });

  it('is one short window for a clip shorter than the window', () => {
    const windows = windowLayout(5, 8);
    expect(windows.count).toBe(1);
    expect(windows.range(0)).toEqual({ start: 0, count: 5 });
  });
});

describe('partsOfRange', () => {
  it('takes from a shifted window only the frames that it owns', () => {
    expect(partsOfRange(windowLayout(12, 8), { start: 6, count: 6 })).toEqual([
      { index: 0, offset: 6, count: 2 },
      { index: 1, offset: 4, count: 4 },
    ]);
  });
});

describe('sampleFrames', () => {
  it('keeps first and last', () => {
    expect(sampleFrames(100, 3)).toEqual([0, 50, 99]);
    expect(sampleFrames(3, 12)).toEqual([0, 1, 2]);
  });
});
