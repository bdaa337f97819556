// The colour arithmetic, against values that the standards give.

import { expect, test } from 'vitest';
import type { ColourMatrix } from '../../../../workers/media/pixels/colour-matrix.ts';
import { rgbFromYuv } from '../../../../workers/media/pixels/yuv.ts';

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
