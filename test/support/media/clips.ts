// Frames whose index can be read back from their pixels, moving shapes, and ways to compare pictures: for the media tests.

import { fileURLToPath } from 'node:url';
import type { RgbImage } from '../../../workers/media/media-types.ts';

/** A file that make-fixtures.py drew. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
}

/** The number that the row of eight blocks at the top of a frame spells, as make-fixtures.py draws it. */
export function readIndex({ rgb, width, height }: RgbImage): number {
  const block = Math.floor(width / 8);
  const row = Math.floor(height / 8) * width;
  let index = 0;
  for (let bit = 0; bit < 8; bit++) {
    const at = (row + bit * block + (block >> 1)) * 3;
    const bright = rgb[at]! + rgb[at + 1]! + rgb[at + 2]! > 384;
    index = index * 2 + (bright ? 1 : 0);
  }
  return index;
}

/** Frame `index` of a drawn clip: an anti-aliased, shaded red disc that moves right over a grey gradient. */
export function movingDisc(index: number, size: { width: number; height: number }): RgbImage {
  const { width, height } = size;
  const rgb = new Uint8Array(width * height * 3);
  const radius = height / 4;
  const cx = width * 0.35 + index * (width / 64);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const inside = Math.min(1, Math.max(0, radius - Math.hypot(x - cx, y - height / 2) + 0.5));
      const ground = 100 + (50 * x) / width;
      const shade = 1 - 0.2 * ((x - cx + y - height / 2) / (2 * radius));
      rgb[at] = ground + inside * (190 * shade - ground);
      rgb[at + 1] = ground + inside * (70 * shade - ground);
      rgb[at + 2] = ground + inside * (60 * shade - ground);
    }
  }
  return { width, height, rgb };
}

/** Frame `index` of a drawn clip that is hard to encode: cloth of coloured threads that drifts, with grain that is new in each frame. */
export function cloth(index: number, size: { width: number; height: number }): RgbImage {
  const { width, height } = size;
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const u = x + 0.7 * index;
      const v = y - 0.4 * index;
      const weave = 18 * Math.sin(u / 2.3) * Math.sin(v / 2.9) + 24 * Math.sin((u + 2 * v) / 17);
      const grain = 6 * (hash(x, y, index) - 0.5);
      for (const [c, base, tint] of [
        [0, 140, 26],
        [1, 110, 14],
        [2, 90, -22],
      ] as const) {
        rgb[at + c] = base + weave + grain + tint * Math.sin(u / 31 + v / 23);
      }
    }
  }
  return { width, height, rgb };
}

/** 0 to 1, the same for the same three whole numbers. */
function hash(x: number, y: number, z: number): number {
  let h = Math.imul(x, 0x85ebca6b) ^ Math.imul(y, 0xc2b2ae35) ^ Math.imul(z + 1, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 13), 0x297a2d39);
  return ((h ^ (h >>> 16)) >>> 0) / 0x1_0000_0000;
}

/** Six saturated patches in two rows, as make-fixtures.py draws them. */
export const PATCH_COLOURS = [
  [220, 30, 30],
  [30, 200, 40],
  [30, 50, 220],
  [230, 220, 30],
  [30, 210, 210],
  [210, 40, 200],
] as const;

export function patches(size: { width: number; height: number }): RgbImage {
  const { width, height } = size;
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const patch = Math.floor((y * 2) / height) * 3 + Math.floor((x * 3) / width);
      rgb.set(PATCH_COLOURS[patch]!, at);
    }
  }
  return { width, height, rgb };
}

/** The largest difference, over patches and channels, of a patch's mean inner colour from what it should be. */
export function patchError({ rgb, width, height }: RgbImage): number {
  let worst = 0;
  PATCH_COLOURS.forEach((colour, patch) => {
    const left = Math.floor(((patch % 3) + 0.3) * (width / 3));
    const top = Math.floor((Math.floor(patch / 3) + 0.3) * (height / 2));
    const sums = [0, 0, 0];
    for (let y = top; y < top + 8; y++) {
      for (let x = left; x < left + 8; x++) {
        for (let c = 0; c < 3; c++) sums[c]! += rgb[(y * width + x) * 3 + c]!;
      }
    }
    for (let c = 0; c < 3; c++) worst = Math.max(worst, Math.abs(sums[c]! / 64 - colour[c]!));
  });
  return worst;
}

/** The mean absolute difference, over all values. */
export function meanError(a: RgbImage, b: RgbImage): number {
  let sum = 0;
  for (let i = 0; i < a.rgb.length; i++) sum += Math.abs(a.rgb[i]! - b.rgb[i]!);
  return sum / a.rgb.length;
}

/** Peak signal to noise ratio, dB, over all channels. */
export function psnr(a: RgbImage, b: RgbImage): number {
  let sum = 0;
  for (let i = 0; i < a.rgb.length; i++) sum += (a.rgb[i]! - b.rgb[i]!) ** 2;
  return 10 * Math.log10((255 * 255 * a.rgb.length) / sum);
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
