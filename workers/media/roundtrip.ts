// A source's frames into an output with nothing in between: what ingest and assemble do to pictures, without models and without a store.

import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { digestBytes, digestFile } from '../../common/digest.ts';
import { isSequence } from '../../common/outputs/output-formats.ts';
import type { OutputFormat, SequenceFormat } from '../../common/outputs/output-formats.ts';
import { cannotWrite } from '../../common/write-failure.ts';
import type { MediaService } from './media-service.ts';
import type { DecodedFrame, DecodeRequest, FrameSize, KeptSound } from './media-types.ts';
import { rgbaOf } from './pixels/alpha.ts';
import { encodeDeepPng, encodePng } from './pixels/png.ts';
import { writeMovie } from './write-movie.ts';
import type { WriteMovieOptions } from './write-movie.ts';

export interface Roundtrip {
  readonly source: DecodeRequest;
  /** An empty folder to write into. */
  readonly folder: string;
  /** What errors call that which is written. */
  readonly calledAs: string;
  readonly format: OutputFormat;
  readonly framesPerSecond: number;
  /** Of the source, where the format has a place for it. */
  readonly sound?: KeptSound | undefined;
}

/** A file that was made: the whole movie, or one frame of a sequence. */
export interface MadeFile {
  readonly path: string;
  readonly bytes: number;
  /** SHA-256. */
  readonly digest: string;
}

/**
 * Decodes the frames that are asked for and writes each before the next is needed, so memory does not grow with their number.
 * @throws as `MediaService.decode` and `encode`
 */
export async function roundtrip(
  media: Pick<MediaService, 'decode' | 'encode'>,
  { source, folder, calledAs, format, framesPerSecond, sound }: Roundtrip,
  options: WriteMovieOptions,
): Promise<readonly MadeFile[]> {
  const { signal } = options;
  const { keepAlpha = false } = source;
  const frames = media.decode(source, signal === undefined ? {} : { signal });
  if (isSequence(format))
    return writePictures(frames, { size: source.size, folder, calledAs, format }, options);
  const file = path.join(folder, 'movie');
  const channels = keepAlpha ? 4 : 3;
  const request = {
    path: file,
    calledAs,
    format,
    framesPerSecond,
    channels,
    ...source.size,
    ...(sound && { sound }),
  } as const;
  await writeMovie(media, request, pixelsOf(frames, keepAlpha), options);
  return [await madeFile(file)];
}

async function* pixelsOf(
  frames: AsyncIterable<DecodedFrame>,
  keepAlpha: boolean,
): AsyncGenerator<Uint8Array> {
  for await (const frame of frames) yield keepAlpha ? rgbaOf(frame) : frame.rgb;
}

interface PictureFolder {
  readonly size: FrameSize;
  readonly folder: string;
  readonly calledAs: string;
  readonly format: SequenceFormat;
}

async function writePictures(
  frames: AsyncIterable<DecodedFrame>,
  { size, folder, calledAs, format }: PictureFolder,
  { onFrame }: WriteMovieOptions,
): Promise<readonly MadeFile[]> {
  await mkdir(folder, { recursive: true });
  const encode = format === 'png16-sequence' ? encodeDeepPng : encodePng;
  const made: MadeFile[] = [];
  for await (const { rgb, channels } of frames) {
    const png = await encode({ rgb, channels, ...size });
    const file = path.join(folder, String(made.length));
    await writeFile(file, png, { flag: 'wx' }).catch((reason: unknown) => {
      throw cannotWrite(calledAs, reason);
    });
    made.push({ path: file, bytes: png.length, digest: digestBytes(png) });
    onFrame?.(made.length);
  }
  return made;
}

async function madeFile(file: string): Promise<MadeFile> {
  return { path: file, bytes: (await stat(file)).size, digest: await digestFile(file) };
}
