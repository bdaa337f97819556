// Decodes chosen frames of what is not a video file: a folder of pictures, one picture, or an animated GIF or
// WebP. All by libvips. Embedded colour profiles are converted to sRGB.

import path from 'node:path';
import sharp from 'sharp';
import { BivdiffError } from '../../../common/errors.ts';
import { pictureNames } from '../../../common/sources/source.ts';
import { damagedPictureError, noPicturesError } from '../media-errors.ts';
import type { FrameSize, Picture, PictureSurvey, VideoFacts } from '../media-types.ts';
import { pictureOf } from '../pixels/resize.ts';
import { isPictureKind, sniffFile, type FileKind } from './sniff.ts';

export interface ImageSource {
  readonly path: string;
  /** One file per frame, or one file whose pages are the frames. */
  readonly files: readonly string[];
  readonly facts: VideoFacts;
}

/** 16,384 squared: more than any frame, less than what fills a machine's memory. */
const PIXELS_MAX = 16_384 * 16_384;
const READ_OPTIONS = {
  limitInputPixels: PIXELS_MAX,
  failOn: 'error',
  sequentialRead: true,
} as const;

/** @throws invalid-argument — no pictures in it, or the first is damaged */
export async function openFolder(folder: string): Promise<ImageSource> {
  const names = (await pictureNames(folder)).toSorted(byNumbersInName);
  const files = names.map((name) => path.join(folder, name));
  const first = files[0];
  if (first === undefined) throw noPicturesError(folder);
  const { facts } = await openPicture(first, nameIn(folder, first));
  return {
    path: folder,
    files,
    facts: { ...facts, container: 'image-folder', frames: files.length },
  };
}

/** Survey of a folder: at once, but not all of thousands. */
const HEADERS_AT_ONCE = 16;

/** Looks at the header of every picture of a folder. @throws invalid-argument — one of them is damaged */
export async function surveyPictures(source: ImageSource): Promise<PictureSurvey> {
  const sizes = new Map<string, FrameSize & { count: number }>();
  const { files } = source;
  let withAlpha = 0;
  for (let at = 0; at < files.length; at += HEADERS_AT_ONCE) {
    const some = files.slice(at, at + HEADERS_AT_ONCE);
    const opened = some.map((file) => openPicture(file, nameIn(source.path, file)));
    for (const { facts } of await Promise.all(opened)) {
      const { width, height } = facts;
      if (facts.alpha) withAlpha += 1;
      const known = sizes.get(`${width}x${height}`);
      if (known === undefined) sizes.set(`${width}x${height}`, { width, height, count: 1 });
      else known.count += 1;
    }
  }
  return {
    first: path.basename(files[0]!),
    last: path.basename(files.at(-1)!),
    withAlpha,
    sizes: [...sizes.values()].sort((a, b) => b.count - a.count),
  };
}

/** frame-2 before frame-10: runs of digits by value, the rest by code units, which no locale changes. */
export function byNumbersInName(a: string, b: string): number {
  const as = a.match(/\d+|\D+/g) ?? [];
  const bs = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < Math.min(as.length, bs.length); i++) {
    const [x, y] = [as[i]!, bs[i]!];
    const numbers = /^\d/.test(x) && /^\d/.test(y);
    const order = numbers ? byValue(x, y) : byCodeUnits(x, y);
    if (order !== 0) return order;
  }
  return as.length - bs.length || byCodeUnits(a, b);
}

/** Digits of any length, leading zeros aside. */
function byValue(a: string, b: string): number {
  const [x, y] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return x.length - y.length || byCodeUnits(x, y);
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A still or an animated picture. @throws invalid-argument — damaged or of no known kind */
export async function openPicture(file: string, name = path.basename(file)): Promise<ImageSource> {
  await refuseOther(file, name);
  const metadata = await sharp(file, READ_OPTIONS)
    .metadata()
    .catch((cause: unknown) => {
      throw damagedPictureError(file, name, cause);
    });
  const { autoOrient, format } = metadata;
  const delaysMs = metadata.delay ?? [];
  const frames = metadata.pages ?? 1;
  const durationSeconds = delaysMs.reduce((sum, delay) => sum + delay, 0) / 1000;
  const facts: VideoFacts = {
    container: frames > 1 ? 'animated-image' : 'image',
    codec: format,
    frames,
    width: autoOrient.width,
    height: metadata.pageHeight ?? autoOrient.height,
    ...orientationOfExif(metadata.orientation),
    stored: { width: metadata.width, height: metadata.pageHeight ?? metadata.height },
    pixelAspect: 1,
    pixelFormat: metadata.space,
    alpha: metadata.hasAlpha,
    interlaced: false,
    sounds: 0,
    durationSeconds,
    framesPerSecond: durationSeconds > 0 ? Number((frames / durationSeconds).toFixed(3)) : 0,
    // Whole milliseconds: at a steady rate two delays may differ by one.
    variableFrameRate: Math.max(...delaysMs) - Math.min(...delaysMs) > 1,
  };
  return { path: file, files: [file], facts };
}

/** libvips reads more than what is promised: SVG, say, which may name other files. */
async function refuseOther(file: string, name: string): Promise<void> {
  if (!isPictureKind(stillKind(await sniffFile(file)))) {
    throw damagedPictureError(file, name, undefined);
  }
}

/** EXIF's eight ways up, as a mirror and then a turn. */
function orientationOfExif(orientation = 1): Pick<VideoFacts, 'mirrored' | 'rotation'> {
  const turns = [0, 0, 180, 180, 270, 90, 90, 270] as const;
  return {
    mirrored: [2, 4, 5, 7].includes(orientation),
    rotation: turns[orientation - 1] ?? 0,
  };
}

/**
 * The frames at `indices` (ascending), upright, at their own size. GIF frames build on each other, so one far into the
 * file costs the decoding of all before it.
 */
export async function* decodeImages(
  source: ImageSource,
  indices: readonly number[],
  signal?: AbortSignal,
): AsyncGenerator<{ readonly index: number; readonly picture: Picture }> {
  for (const index of indices) {
    if (signal?.aborted) throw new BivdiffError('cancelled', 'decoding: cancelled');
    const paged = source.facts.container === 'animated-image';
    const file = paged ? source.files[0]! : source.files[index]!;
    const name = file === source.path ? path.basename(file) : nameIn(source.path, file);
    yield { picture: await decodePicture({ file, name, page: paged ? index : 0 }), index };
  }
}

/** `frames/frame-0003.png`: which of a folder's pictures. */
function nameIn(folder: string, file: string): string {
  return path.join(path.basename(folder), path.basename(file));
}

interface OnePicture {
  readonly file: string;
  /** In errors. */
  readonly name: string;
  readonly page: number;
}

async function decodePicture({ file, name, page }: OnePicture): Promise<Picture> {
  await refuseOther(file, name);
  try {
    const image = sharp(file, { ...READ_OPTIONS, page, pages: 1 });
    return await pictureOf(image.autoOrient().toColourspace('srgb'));
  } catch (cause) {
    throw damagedPictureError(file, name, cause);
  }
}

/** In a folder each file is one frame: of an animated PNG the picture that still viewers show. */
function stillKind(kind: FileKind): FileKind {
  return kind === 'apng' ? 'png' : kind;
}
