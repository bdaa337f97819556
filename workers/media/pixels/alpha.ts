// Colours and alpha of one picture, put together. Pure.

import type { RgbImage } from '../media-types.ts';

/**
 * A picture that was laid over black, and its alpha, as RGBA with straight alpha: laid over black it is what it was, as far as 8 bits and
 * the range of a colour allow.
 */
export function withAlpha(picture: RgbImage, alpha: Uint8Array): RgbImage {
  const { rgb, width, height } = picture;
  const rgba = new Uint8Array(width * height * 4);
  for (let pixel = 0, from = 0, to = 0; pixel < alpha.length; pixel++, from += 3, to += 4) {
    const a = alpha[pixel]!;
    for (let channel = 0; channel < 3; channel++) {
      const value = rgb[from + channel]!;
      rgba[to + channel] = a === 0 ? 0 : Math.min(255, Math.round((value * 255) / a));
    }
    rgba[to + 3] = a;
  }
  return { rgb: rgba, width, height, channels: 4 };
}

/** Four channels, whether or not the picture has alpha. */
export function rgbaOf({ rgb, channels = 3 }: Pick<RgbImage, 'rgb' | 'channels'>): Uint8Array {
  if (channels === 4) return rgb;
  const rgba = new Uint8Array((rgb.length / 3) * 4).fill(255);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    rgba[to] = rgb[from]!;
    rgba[to + 1] = rgb[from + 1]!;
    rgba[to + 2] = rgb[from + 2]!;
  }
  return rgba;
}
