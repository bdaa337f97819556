// Where things lie on composed pictures.

import { expect, test } from 'vitest';
import { write } from '../../../../workers/vision/bitmap-font.ts';
import {
  composeContactSheet,
  composePanels,
  spreadIndices,
} from '../../../../workers/vision/panels.ts';

function flat(value: number, width = 128, height = 96) {
  return { width, height, rgb: new Uint8Array(width * height * 3).fill(value) };
}
const redAt = (image: { width: number; rgb: Uint8Array }, x: number, y: number) =>
  image.rgb[(y * image.width + x) * 3];

test('puts panels side by side under their labels, a thin line between', () => {
  const image = composePanels([
    { label: 'control', image: flat(60) },
    { label: 'smoothed', image: flat(200) },
  ]);
  expect(image).toMatchObject({ width: 128 + 2 + 128, height: 14 + 96 });
  expect(image.rgb).toHaveLength(image.width * image.height * 3);
  expect([redAt(image, 0, 14), redAt(image, 127, 109)]).toEqual([60, 60]);
  expect([redAt(image, 128, 50), redAt(image, 129, 50)]).toEqual([24, 24]);
  expect([redAt(image, 130, 14), redAt(image, 257, 109)]).toEqual([200, 200]);
  const strip = image.rgb.subarray(0, 14 * image.width * 3);
  expect(strip.some((value) => value === 228)).toBe(true);
});

test('makes letters larger on larger pictures', () => {
  const image = composePanels([{ label: 'a', image: flat(60, 512, 512) }]);
  expect(image.height).toBe(512 + 40);
});

test('shows twelve frames of a longer clip, evenly spread, ends included', () => {
  expect(spreadIndices(8, 12)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(spreadIndices(100, 12)).toEqual([0, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90, 99]);
  expect(spreadIndices(1, 12)).toEqual([0]);
  expect(spreadIndices(0, 12)).toEqual([]);
  const frames = Array.from({ length: 100 }, (_, i) => flat(i));
  const sheet = composeContactSheet([
    { label: 'control', frames },
    { label: 'smoothed', frames: frames.slice(0, 3) },
  ]);
  expect(sheet).toMatchObject({ width: 12 * 128 + 11 * 2, height: 2 * (14 + 96) });
  expect([redAt(sheet, 0, 14), redAt(sheet, 130, 14), redAt(sheet, 1430, 14)]).toEqual([0, 9, 99]);
  expect(redAt(sheet, 130, 14 + 96 + 14)).toBe(1);
});

test('cuts a label that is too long, and shows `?` for letters that it lacks', () => {
  const canvas = (text: string, maxWidth: number) => {
    const image = { width: 120, height: 12, rgb: new Uint8Array(120 * 12 * 3) };
    write(image, { text, x: 0, y: 2, scale: 1, maxWidth, colour: [255, 255, 255] });
    return image;
  };
  const cut = canvas('frame by frame', 60);
  expect(cut).toEqual(canvas('frame by..', 120));
  expect(canvas('Γ', 60)).toEqual(canvas('?', 60));
});
