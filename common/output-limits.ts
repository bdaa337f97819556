// What each output format can hold: sizes, rates, lengths, as measured with the encoders that are used (test/integration/workers/media/
// output-limits.test.ts holds them to it). Acceptance asks before anything is drawn, the encoder before it begins.

import type { PictureSize } from './panel-size.ts';

export type MovieFormat = 'mp4' | 'webm' | 'gif';
export type PictureFormat = MovieFormat | 'png';

/** libvips wants all frames of a GIF at once. */
const GIF_RAW_BYTES_MAX = 512 * 1024 * 1024;

interface SizeLimits {
  readonly name: string;
  /** Pixels of a side. */
  readonly sideMax: number;
  /** Width times height. */
  readonly pixelsMax: number;
}

/**
 * H.264 and VP9: FFmpeg opens no encoder above 16,384 a side. Of pixels: MP4 as many as are read back (containers/video-index.ts), WebM as
 * many as libvpx encodes in the memory of a media process. GIF: its header has 16 bits for a side. PNG: sharp takes no raw picture above
 * 16,383 squared.
 */
const SIZE_LIMITS: Readonly<Record<PictureFormat, SizeLimits>> = {
  mp4: { name: 'MP4', sideMax: 16_384, pixelsMax: 8192 * 8192 },
  webm: { name: 'WebM', sideMax: 16_384, pixelsMax: 8192 * 6144 },
  gif: { name: 'GIF', sideMax: 65_535, pixelsMax: Math.floor(GIF_RAW_BYTES_MAX / 3) },
  png: { name: 'PNG', sideMax: 1_000_000, pixelsMax: 16_383 ** 2 },
};

/** x264 opens no encoder for 2x2; 8 is what a latent decodes to. */
const SIDE_MIN = 8;

/** Frames per second: the codec library opens no encoder below 1, and above 240 nobody has a screen. */
const CODEC_RATES = [1, 240] as const;
/**
 * sharp takes a delay of up to 65,535 ms, and GIF keeps hundredths of a second; viewers take a delay below two of these for ten.
 */
const GIF_RATES = [100 / 6553, 50] as const;

/** What is wrong with pictures of this size in this format, as a clause that follows the size; undefined if nothing is. */
export function sizeProblem(
  format: PictureFormat,
  { width, height }: PictureSize,
): string | undefined {
  const { name, sideMax, pixelsMax } = SIZE_LIMITS[format];
  const isSound = (side: number): boolean => Number.isInteger(side) && side >= SIDE_MIN;
  const fits = Math.max(width, height) <= sideMax && width * height <= pixelsMax;
  if (isSound(width) && isSound(height) && fits) return undefined;
  return (
    `${name} takes sides from ${count(SIDE_MIN)} to ${count(sideMax)} pixels ` +
    `and up to ${count(pixelsMax)} pixels a picture`
  );
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
