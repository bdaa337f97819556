// Takes a decoded frame of the codec library to RGB. The only place that knows its pixel formats.

import type { VideoFrame } from '@napi-rs/webcodecs';
import { BivdiffError } from '../../../common/errors.ts';
import { matrixOfName, type ColourTags } from './colour-matrix.ts';
import type { RgbImage } from '../media-types.ts';
import { rgbFromYuv, type Plane } from './yuv.ts';

/** Tags from the container, used where the stream itself has none. */
export type FallbackTags = Partial<ColourTags>;

/**
 * The picture in RGB, alpha laid over black. Untagged clips count as BT.601, limited range: what FFmpeg, and so OpenCV
 * and decord, take them for. Does not close the frame.
 */
export async function rgbFromVideoFrame(
  frame: VideoFrame,
  fallback: FallbackTags,
): Promise<RgbImage> {
  const { codedWidth: width, codedHeight: height } = frame;
  const format = frame.format ?? 'RGBA';
  const planar = /^I4(20|22|44)(A?)(?:P(10|12))?$/.exec(format);
  if (planar === null) return rgbFromPacked(frame, format);

  const bytes = new Uint8Array(frame.allocationSize());
  const layout = await frame.copyTo(bytes);
  const bitDepth = Number(planar[3] ?? 8);
  const planes = layout.map((plane, i) => {
    const end = layout[i + 1]?.offset ?? bytes.length;
    return planeOf(bytes.subarray(plane.offset, end), plane.stride, bitDepth);
  });
  const [luma, blue, red, alpha] = planes;
  if (luma === undefined || blue === undefined || red === undefined) {
    throw new BivdiffError(
      'internal',
      `a frame of format ${format} came with ${planes.length} planes`,
    );
  }
  const rgb = rgbFromYuv(
    { width, height, planes: [luma, blue, red], bitDepth },
    tagsOf(frame, fallback),
  );
  if (alpha !== undefined) layOverBlack(rgb, alpha.samples, 2 ** bitDepth - 1);
  return { rgb, width, height };
}

function tagsOf(frame: VideoFrame, fallback: FallbackTags): ColourTags {
  const { matrix, fullRange } = frame.colorSpace;
  return {
    matrix: matrixOfName(matrix) ?? fallback.matrix ?? 'bt601',
    fullRange: fullRange ?? fallback.fullRange ?? false,
  };
}

function planeOf(bytes: Uint8Array, stride: number, bitDepth: number): Plane {
  if (bitDepth === 8) return { samples: bytes, width: stride, height: bytes.length / stride };
  const samples = new Uint16Array(bytes.slice().buffer);
  return { samples, width: stride / 2, height: bytes.length / stride };
}

async function rgbFromPacked(frame: VideoFrame, format: string): Promise<RgbImage> {
  const { codedWidth: width, codedHeight: height } = frame;
  const options = { format: 'RGBA' as const };
  const pixels = new Uint8Array(frame.allocationSize(options));
  await frame.copyTo(pixels, options);
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = pixels[from]!;
    rgb[to + 1] = pixels[from + 1]!;
    rgb[to + 2] = pixels[from + 2]!;
  }
  if (format === 'RGBA' || format === 'BGRA') {
    layOverBlack(
      rgb,
      pixels.filter((_, i) => i % 4 === 3),
      255,
    );
  }
  return { rgb, width, height };
}

function layOverBlack(rgb: Uint8Array, alpha: Uint8Array | Uint16Array, opaque: number): void {
  for (let i = 0; i < rgb.length; i++) {
    const a = alpha[(i / 3) | 0]!;
    if (a < opaque) rgb[i] = Math.round((rgb[i]! * a) / opaque);
  }
}
