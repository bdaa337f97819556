// Colours and alpha of one picture, put together.

import { expect, test } from 'vitest';
import { rgbaOf, withAlpha } from '../../../../workers/media/pixels/alpha.ts';

test('gives colours that, laid over black, are those that were given', () => {
  const over = Uint8Array.from([100, 50, 0, 40, 40, 40, 9, 9, 9, 128, 64, 32]);
  const alpha = Uint8Array.from([255, 128, 0, 128]);
  const { rgb, channels } = withAlpha({ rgb: over, width: 4, height: 1 }, alpha);
  expect(channels).toBe(4);
  expect([...rgb]).toEqual([100, 50, 0, 255, 80, 80, 80, 128, 0, 0, 0, 0, 255, 128, 64, 128]);
  for (const [pixel, a] of alpha.entries()) {
    if (a === 0) continue;
    for (let channel = 0; channel < 3; channel++) {
      const shown = (rgb[pixel * 4 + channel]! * a) / 255;
      expect(Math.abs(shown - over[pixel * 3 + channel]!)).toBeLessThanOrEqual(0.5);
    }
  }
});

test('keeps within a colour what alpha alone would take beyond it', () => {
  const { rgb } = withAlpha(
    { rgb: Uint8Array.from([200, 10, 0]), width: 1, height: 1 },
    Uint8Array.of(50),
  );
  expect([...rgb]).toEqual([255, 51, 0, 50]);
});

test('takes a picture without alpha for opaque', () => {
  expect([...rgbaOf({ rgb: Uint8Array.from([1, 2, 3, 4, 5, 6]) })]).toEqual([
    1, 2, 3, 255, 4, 5, 6, 255,
  ]);
  const rgba = Uint8Array.from([1, 2, 3, 4]);
  expect(rgbaOf({ rgb: rgba, channels: 4 })).toBe(rgba);
});
