// How a picture comes to fill the size that is asked for, also one whose pixels are not square.

import { describe, expect, test } from 'vitest';

import type { FrameSize, Picture } from '../../../../workers/media/media-types.ts';
import { fitPicture, type Fit } from '../../../../workers/media/pixels/resize.ts';

/** Red on the left, blue on the right, nowhere black. */
function halves({ width, height }: FrameSize, channels: 3 | 4 = 3, alpha = 255): Picture {
  const pixels = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    const colour = i % width < width / 2 ? [255, 40, 40, alpha] : [40, 40, 255, alpha];
    pixels.set(colour.slice(0, channels), i * channels);
  }
  return { width, height, channels, pixels };
}

function fit(picture: Picture, to: Pick<Fit, 'size' | 'resize'> & Partial<Fit>): Promise<Picture> {
  return fitPicture(picture, { shown: picture, keepAlpha: false, ...to });
}

function pixelOf({ pixels, width, channels }: Picture, x: number, y: number): number[] {
  return [...pixels.subarray((y * width + x) * channels, (y * width + x + 1) * channels)];
}

/** The rows, or columns, that are not black all along. */
function filled(picture: Picture, along: 'rows' | 'columns'): [number, number] {
  const { width, height } = picture;
  const [lines, length] = along === 'rows' ? [height, width] : [width, height];
  const isFilled = Array.from({ length: lines }, (_, line) =>
    Array.from({ length }, (_, i) =>
      along === 'rows' ? pixelOf(picture, i, line) : pixelOf(picture, line, i),
    ).some((values) => values.slice(0, 3).some((value) => value > 0)),
  );
  return [isFilled.indexOf(true), isFilled.lastIndexOf(true)];
}

const SQUARE = { width: 32, height: 32 };
const WIDE = { width: 32, height: 16 };

test('a picture that has its size already stays as it is', async () => {
  const picture = halves(SQUARE);
  for (const resize of ['stretch', 'cover', 'contain'] as const) {
    expect(await fit(picture, { size: SQUARE, resize })).toBe(picture);
  }
});

describe('square pixels', () => {
  test('stretch fills the size, whatever the shape', async () => {
    const picture = await fit(halves(WIDE), { size: SQUARE, resize: 'stretch' });
    expect(picture).toMatchObject({ ...SQUARE, channels: 3 });
    expect(filled(picture, 'rows')).toEqual([0, 31]);
  });

  test('contain leaves equal bars', async () => {
    const picture = await fit(halves(WIDE), { size: SQUARE, resize: 'contain' });
    expect(filled(picture, 'rows')).toEqual([8, 23]);
    expect(pixelOf(picture, 1, 16)).toEqual([255, 40, 40]);
    expect(pixelOf(picture, 30, 16)).toEqual([40, 40, 255]);
  });

  test('cover cuts both sides alike', async () => {
    const picture = await fit(halves(WIDE), { size: SQUARE, resize: 'cover' });
    expect(filled(picture, 'rows')).toEqual([0, 31]);
    expect(pixelOf(picture, 12, 16)).toEqual([255, 40, 40]);
    expect(pixelOf(picture, 19, 16)).toEqual([40, 40, 255]);
  });
});

describe('pixels twice as wide as high', () => {
  const shown = { width: 64, height: 32 };

  test('stretch goes by the size alone', async () => {
    const picture = halves(SQUARE);
    expect(await fit(picture, { size: SQUARE, resize: 'stretch', shown })).toBe(picture);
  });

  test('contain leaves bars, also where the picture has as many pixels as are asked for', async () => {
    const picture = await fit(halves(SQUARE), { size: SQUARE, resize: 'contain', shown });
    expect(filled(picture, 'rows')).toEqual([8, 23]);
    expect(filled(picture, 'columns')).toEqual([0, 31]);
  });

  test('cover fills the size with the middle', async () => {
    const picture = await fit(halves(SQUARE), { size: SQUARE, resize: 'cover', shown });
    expect(filled(picture, 'rows')).toEqual([0, 31]);
    expect(pixelOf(picture, 11, 5)).toEqual([255, 40, 40]);
    expect(pixelOf(picture, 20, 5)).toEqual([40, 40, 255]);
  });

  test('a picture that is shown as it is asked for has no bars', async () => {
    const size = { width: 64, height: 32 };
    const picture = await fit(halves(SQUARE), { size, resize: 'contain', shown });
    expect(filled(picture, 'rows')).toEqual([0, 31]);
    expect(filled(picture, 'columns')).toEqual([0, 63]);
  });
});

describe('alpha', () => {
  test('is laid over black', async () => {
    const picture = await fit(halves(SQUARE, 4, 128), { size: SQUARE, resize: 'stretch' });
    expect(picture).toMatchObject({ ...SQUARE, channels: 3 });
    expect(pixelOf(picture, 2, 2)).toEqual([128, 20, 20]);
  });

  test('is kept where it is asked for, with clear bars', async () => {
    const to = { size: SQUARE, resize: 'contain', keepAlpha: true } as const;
    const picture = await fit(halves(WIDE, 4, 128), to);
    expect(picture).toMatchObject({ ...SQUARE, channels: 4 });
    expect(pixelOf(picture, 2, 16)).toEqual([255, 40, 40, 128]);
    expect(pixelOf(picture, 2, 2)[3]).toBe(0);
  });
});
