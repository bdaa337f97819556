// What each output format can hold: sizes, rates, lengths, as measured with the encoders that are used (test/integration/workers/media/
// output-limits.test.ts holds them to it). Acceptance asks before anything is drawn, the encoder before it begins.

import type { MovieFormat } from './output-formats.ts';
import type { PictureSize } from './panel-size.ts';

export type PictureFormat = MovieFormat | 'png';

/** libvips wants all frames of a GIF at once. */
const GIF_RAW_BYTES_MAX = 512 * 1024 * 1024;

interface SizeLimits {
  readonly name: string;
  /** Pixels of a side. */
  readonly sideMin: number;
  readonly sideMax: number;
  /** Width times height. */
  readonly pixelsMax: number;
}

/** What a latent decodes to; x264 opens no encoder for 2x2. */
const SIDE_MIN = 8;
/** As many pixels as are read back (media-errors.ts, tooLargeError). */
const PIXELS_READ_MAX = 8192 * 8192;

/**
 * Sides: x264 takes 16,384, SVT-AV1 a height of 8704; x265 takes none below 16, nor long ones below 32; headers of MP4, MOV and GIF have 16 bits for a side.
 * Of pixels: as many as are read back, or as the encoder takes in the memory of a media process. PNG: sharp takes no raw picture above
 * 16,383 squared.
 */
const SIZE_LIMITS: Readonly<Record<PictureFormat, SizeLimits>> = {
  mp4: { name: 'MP4', sideMin: SIDE_MIN, sideMax: 16_384, pixelsMax: PIXELS_READ_MAX },
  'mp4-hevc': { name: 'HEVC', sideMin: 32, sideMax: 16_384, pixelsMax: PIXELS_READ_MAX },
  'mp4-av1': { name: 'AV1', sideMin: SIDE_MIN, sideMax: 8704, pixelsMax: 8192 * 6144 },
  webm: { name: 'WebM', sideMin: SIDE_MIN, sideMax: 65_535, pixelsMax: PIXELS_READ_MAX },
  mov: { name: 'MOV', sideMin: SIDE_MIN, sideMax: 65_535, pixelsMax: PIXELS_READ_MAX },
  mkv: { name: 'MKV', sideMin: SIDE_MIN, sideMax: 65_535, pixelsMax: PIXELS_READ_MAX },
  gif: {
    name: 'GIF',
    sideMin: SIDE_MIN,
    sideMax: 65_535,
    pixelsMax: Math.floor(GIF_RAW_BYTES_MAX / 3),
  },
  png: { name: 'PNG', sideMin: SIDE_MIN, sideMax: 1_000_000, pixelsMax: 16_383 ** 2 },
};

/** Frames per second: rates are kept to the thousandth, and above 240 nobody has a screen. */
const CODEC_RATES = [0.01, 240] as const;
/**
 * sharp takes a delay of up to 65,535 ms, and GIF keeps hundredths of a second; viewers take a delay below two of these for ten.
 */
const GIF_RATES = [100 / 6553, 50] as const;

/** What is wrong with pictures of this size in this format, as a clause that follows the size; undefined if nothing is. */
export function sizeProblem(
  format: PictureFormat,
  { width, height }: PictureSize,
): string | undefined {
  const { name, sideMin, sideMax, pixelsMax } = SIZE_LIMITS[format];
  const isSound = (side: number): boolean => Number.isInteger(side) && side >= sideMin;
  const fits = Math.max(width, height) <= sideMax && width * height <= pixelsMax;
  if (isSound(width) && isSound(height) && fits) return undefined;
  return (
    `${name} takes sides from ${count(sideMin)} to ${count(sideMax)} pixels ` +
    `and up to ${count(pixelsMax)} pixels a picture`
  );
}

/** Whether it is for being small that pictures of this size do not go into this format. */
export function isTooSmall(format: PictureFormat, { width, height }: PictureSize): boolean {
  return Math.min(width, height) < SIZE_LIMITS[format].sideMin;
}

/** What is wrong with this rate in this format, as a clause that follows it; undefined if nothing is. */
export function rateProblem(format: MovieFormat, framesPerSecond: number): string | undefined {
  const { name } = SIZE_LIMITS[format];
  const [min, max] = format === 'gif' ? GIF_RATES : CODEC_RATES;
  if (framesPerSecond >= min && framesPerSecond <= max) return undefined;
  return `${name} takes from ${Number(min.toFixed(4))} to ${max} frames per second`;
}

/** What is wrong with so many frames of this size in this format, as a clause; undefined if nothing is. */
export function lengthProblem(
  format: MovieFormat,
  frames: number,
  { width, height }: PictureSize,
): string | undefined {
  if (format !== 'gif') return undefined;
  const most = Math.floor(GIF_RAW_BYTES_MAX / (width * height * 3));
  if (frames <= most) return undefined;
  return `a GIF is made in memory: of ${width}x${height} at most ${count(most)} frames`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
