// YUV to RGB on plain arrays. Done here, not by the codec library, since that ignores colour tags, and
// so that the bits do not depend on the machine's instruction set. Knows nothing of files or codecs.

import { LUMA_WEIGHTS, type ColourTags } from './colour-matrix.ts';

/** Three planes, 8 bits or more a sample. Chroma sites are MPEG-2's: left in x, between the rows in y. */
export interface YuvImage {
  readonly width: number;
  readonly height: number;
  readonly planes: readonly [Plane, Plane, Plane];
  /** 8, 10 or 12. */
  readonly bitDepth: number;
}

export interface Plane {
  readonly samples: Uint8Array | Uint16Array;
  readonly width: number;
  readonly height: number;
}

/** 4:2:0, 4:2:2 or 4:4:4 to RGB; chroma is interpolated linearly. */
export function rgbFromYuv(image: YuvImage, tags: ColourTags): Uint8Array {
  const { width, height, planes, bitDepth } = image;
  const luma = planes[0];
  if (tags.matrix === 'rgb') return rgbFromPlanes(image);
  const scale = 2 ** (bitDepth - 8);
  const k = decodeFactors(tags, scale);
  const blueRow = new Float32Array(width);
  const redRow = new Float32Array(width);
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0, out = 0; y < height; y++) {
    fillChromaRow(blueRow, planes[1], { width, height, y });
    fillChromaRow(redRow, planes[2], { width, height, y });
    for (let x = 0, at = y * luma.width; x < width; x++, at++, out += 3) {
      const l = (luma.samples[at]! - k.black) * k.luma;
      const b = blueRow[x]! - k.middle;
      const r = redRow[x]! - k.middle;
      rgb[out] = clampByte(l + k.redFromRed * r);
      rgb[out + 1] = clampByte(l - k.greenFromBlue * b - k.greenFromRed * r);
      rgb[out + 2] = clampByte(l + k.blueFromBlue * b);
    }
  }
  return rgb;
}

function decodeFactors(tags: ColourTags, scale: number) {
  const { red, blue } = LUMA_WEIGHTS[tags.matrix === 'rgb' ? 'bt709' : tags.matrix];
  const green = 1 - red - blue;
  const black = tags.fullRange ? 0 : 16 * scale;
  // Full range ends at 2^depth - 1, limited range at 235 << (depth - 8).
  const lumaSpan = tags.fullRange ? 256 * scale - 1 : 219 * scale;
  const chromaSpan = tags.fullRange ? 256 * scale - 1 : 224 * scale;
  const chroma = 255 / chromaSpan;
  return {
    black,
    middle: 128 * scale,
    luma: 255 / lumaSpan,
    redFromRed: 2 * (1 - red) * chroma,
    blueFromBlue: 2 * (1 - blue) * chroma,
    greenFromBlue: ((2 * blue * (1 - blue)) / green) * chroma,
    greenFromRed: ((2 * red * (1 - red)) / green) * chroma,
  };
}

/** One row of chroma at luma's resolution. Odd sizes: the library drops the last half sample, so edges repeat. */
function fillChromaRow(
  row: Float32Array,
  plane: Plane,
  at: { readonly width: number; readonly height: number; readonly y: number },
): void {
  const { samples, width, height } = plane;
  const halfWide = width < at.width;
  const halfHigh = height < at.height;
  const sourceY = halfHigh ? (at.y - 0.5) / 2 : at.y;
  const top = Math.floor(sourceY);
  const weight = sourceY - top;
  const above = Math.min(Math.max(top, 0), height - 1) * width;
  const below = Math.min(Math.max(top + 1, 0), height - 1) * width;
  for (let x = 0; x < at.width; x++) {
    const left = Math.min(halfWide ? x >> 1 : x, width - 1);
    const right = halfWide && x & 1 ? Math.min(left + 1, width - 1) : left;
    const upper = samples[above + left]! + samples[above + right]!;
    const lower = samples[below + left]! + samples[below + right]!;
    row[x] = (upper + (lower - upper) * weight) / 2;
  }
}

function rgbFromPlanes(image: YuvImage): Uint8Array {
  const [green, blue, red] = image.planes;
  const shift = image.bitDepth - 8;
  const rgb = new Uint8Array(image.width * image.height * 3);
  for (let i = 0; i < image.width * image.height; i++) {
    rgb[3 * i] = red.samples[i]! >> shift;
    rgb[3 * i + 1] = green.samples[i]! >> shift;
    rgb[3 * i + 2] = blue.samples[i]! >> shift;
  }
  return rgb;
}

function clampByte(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : (value + 0.5) | 0;
}
