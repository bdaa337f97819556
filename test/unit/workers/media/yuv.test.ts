// The colour arithmetic, against values that the standards give.

import { expect, test } from 'vitest';
import type { ColourMatrix } from '../../../../workers/media/pixels/colour-matrix.ts';
import { i420FromRgb, rgbFromYuv } from '../../../../workers/media/pixels/yuv.ts';

function pixelOf(yuv: readonly [number, number, number], matrix: ColourMatrix, fullRange = false) {
  const plane = (value: number) => ({ samples: new Uint8Array([value]), width: 1, height: 1 });
  const image = {
    width: 1,
    height: 1,
    bitDepth: 8,
    planes: [plane(yuv[0]), plane(yuv[1]), plane(yuv[2])] as const,
  };
  return [...rgbFromYuv(image, { matrix, fullRange })];
}

test.each([
  ['black', [16, 128, 128], [0, 0, 0]],
  ['white', [235, 128, 128], [255, 255, 255]],
  ['100 % red', [63, 102, 240], [255, 0, 0]],
  ['100 % green', [173, 42, 26], [0, 255, 0]],
  ['100 % blue', [32, 240, 118], [0, 0, 255]],
] as const)('turns the BT.709 bar %s into RGB within a level', (_, yuv, rgb) => {
  pixelOf(yuv, 'bt709').forEach((value, c) => {
    expect(Math.abs(value - rgb[c]!)).toBeLessThanOrEqual(1);
  });
});

test.each([
  ['100 % red', [82, 90, 240], [255, 0, 0]],
  ['100 % green', [145, 54, 34], [0, 255, 0]],
  ['100 % blue', [41, 240, 110], [0, 0, 255]],
] as const)('turns the BT.601 bar %s into RGB within two levels', (_, yuv, rgb) => {
  pixelOf(yuv, 'bt601').forEach((value, c) => {
    expect(Math.abs(value - rgb[c]!)).toBeLessThanOrEqual(2);
  });
});

test('takes full-range luma as it is', () => {
  expect(pixelOf([0, 128, 128], 'bt709', true)).toEqual([0, 0, 0]);
  expect(pixelOf([255, 128, 128], 'bt709', true)).toEqual([255, 255, 255]);
});

test('reads planes of matrix `rgb` as green, blue, red', () => {
  expect(pixelOf([10, 20, 30], 'rgb')).toEqual([30, 10, 20]);
});

test('scales 10-bit samples to 8 bits', () => {
  const plane = (value: number) => ({ samples: new Uint16Array([value]), width: 1, height: 1 });
  const planes = [plane(940), plane(512), plane(512)] as const;
  const rgb = rgbFromYuv(
    { width: 1, height: 1, bitDepth: 10, planes },
    { matrix: 'bt709', fullRange: false },
  );
  expect([...rgb]).toEqual([255, 255, 255]);
});

test('comes back within two levels where colour is flat, at even and odd sizes', () => {
  for (const [width, height] of [
    [8, 6],
    [7, 5],
  ] as const) {
    for (const colour of [
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
      [13, 200, 90],
    ] as const) {
      const rgb = new Uint8Array(width * height * 3);
      for (let i = 0; i < rgb.length; i += 3) rgb.set(colour, i);
      const even = i420FromRgb({ rgb, width, height });
      const size = even.width * even.height;
      const luma = { samples: even.data.subarray(0, size), width: even.width, height: even.height };
      const chroma = (from: number) => ({
        samples: even.data.subarray(from, from + size / 4),
        width: even.width / 2,
        height: even.height / 2,
      });
      const back = rgbFromYuv(
        { ...even, bitDepth: 8, planes: [luma, chroma(size), chroma((size * 5) / 4)] },
        { matrix: 'bt709', fullRange: false },
      );
      back.forEach((value, i) => expect(Math.abs(value - colour[i % 3]!)).toBeLessThanOrEqual(2));
    }
  }
});

test('puts chroma where the decoder looks for it: a ramp comes back a ramp', () => {
  const width = 32;
  const rgb = new Uint8Array(width * 4 * 3);
  for (let y = 0; y < 4; y++) {
    for (let x = 0; x < width; x++) rgb.set([6 * x, 96, 250 - 6 * x], (y * width + x) * 3);
  }
  const { data } = i420FromRgb({ rgb, width, height: 4 });
  const chroma = (from: number) => ({
    samples: data.subarray(from, from + 32),
    width: 16,
    height: 2,
  });
  const luma = { samples: data.subarray(0, 128), width, height: 4 };
  const back = rgbFromYuv(
    { width, height: 4, bitDepth: 8, planes: [luma, chroma(128), chroma(160)] },
    { matrix: 'bt709', fullRange: false },
  );
  for (let x = 1; x < width - 2; x++) {
    for (let c = 0; c < 3; c++) {
      expect(Math.abs(back[x * 3 + c]! - rgb[x * 3 + c]!), `column ${x}`).toBeLessThanOrEqual(3);
    }
  }
});
